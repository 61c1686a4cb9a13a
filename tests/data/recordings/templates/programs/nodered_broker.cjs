// An MQTT broker for the recorded Node-RED; it drops a client now and then.
"use strict";

const { Aedes } = require("aedes");

Aedes.createBroker().then((broker) => {
  broker.authenticate = (client, username, _password, done) => done(null, String(username) !== "refused");
  broker.authorizePublish = (_client, packet, done) => done(packet.topic.startsWith("forbidden") ? new Error("no") : null);
  require("net").createServer(broker.handle).listen(1883, "127.0.0.1");
  setInterval(() => {
    const clients = Object.values(broker.clients);
    if (clients.length) clients[Math.floor(Math.random() * clients.length)].close();
  }, 7000);
});
