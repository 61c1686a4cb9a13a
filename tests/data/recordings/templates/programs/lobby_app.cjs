// A lobby where visitors meet: pages by koa, talk by socket.io, memory in Redis. With "visit" it is a crowd of visitors instead.
"use strict";

const say = (level, text) => console.log(`${new Date().toISOString()} ${level} ${text}`);
const pick = (...choices) => choices[Math.floor(Math.random() * choices.length)];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function store(port) {
  const Redis = require("ioredis");
  const options = { lazyConnect: false, maxRetriesPerRequest: 2, retryStrategy: (n) => Math.min(n * 200, 2000) };
  const redis = new Redis(port, "127.0.0.1", options);
  redis.on("error", (problem) => say("WARN", `store unreachable: ${problem.message}`));
  redis.on("ready", () => say("INFO", "store ready"));
  redis.defineCommand("count", { numberOfKeys: 1, lua: "return redis.call('INCR', KEYS[1])" });
  return redis;
}

function pages(redis) {
  const Koa = require("koa");
  const Router = require("@koa/router");
  const router = new (Router.Router || Router)();
  const app = new Koa({ keys: ["secret"] });
  app.on("error", (problem) => say("ERROR", `page failed: ${problem.message}`));
  router.get("/", async (ctx) => { ctx.body = { visitors: await redis.count("visitors") }; });
  router.get("/rooms/:room", async (ctx) => {
    say("INFO", `room ${ctx.params.room} looked at`);
    ctx.body = await redis.lrange(`room:${ctx.params.room}`, 0, 9);
  });
  router.post("/rooms/:room", require("koa-body").koaBody({ multipart: true, jsonLimit: "2kb" }), async (ctx) => {
    await redis.multi().lpush(`room:${ctx.params.room}`, String(ctx.request.body.text)).ltrim("room", 0, 99).exec();
    ctx.status = 201;
  });
  router.get("/broken", async () => { await redis.call(pick("nosuch", "lpush"), "visitors", "x"); });
  router.get("/fail", (ctx) => ctx.throw(pick(400, 403, 500), pick("no", "not you", "not now")));
  router.redirect("/old", "/");
  app.use(require("koa-session").createSession ? require("koa-session").createSession({ maxAge: 5000 }, app) : require("koa-session")({ maxAge: 5000 }, app));
  app.use(router.routes()).use(router.allowedMethods());
  app.use(require("koa-static")(process.cwd(), { hidden: false, maxage: 10 }));
  return app;
}

function talk(server, redis) {
  const io = new (require("socket.io").Server)(server, { pingInterval: 2000, pingTimeout: 1500, maxHttpBufferSize: 3000, connectionStateRecovery: { maxDisconnectionDuration: 4000 } });
  io.engine.on("connection_error", (problem) => say("WARN", `refused a connection: ${problem.message}`));
  io.of(/^\/room-\d$/).use((socket, next) => next(socket.handshake.auth.name === "eve" ? new Error("not welcome") : undefined));
  io.of(/^\/room-\d$/).on("connection", (socket) => {
    const name = socket.handshake.auth.name;
    say("INFO", `${name} came into ${socket.nsp.name}${socket.recovered ? " again" : ""}`);
    socket.join(pick("window", "door"));
    socket.on("say", async (text, done) => {
      socket.to(pick("window", "door")).emit("said", name, text);
      await redis.publish("talk", text).catch((problem) => say("ERROR", `${name} was not heard: ${problem.message}`));
      if (typeof done === "function") done("heard");
    });
    socket.on("out", () => pick(() => socket.disconnect(), () => socket.disconnect(true), () => socket.leave("door"))());
    socket.on("disconnect", (reason) => say("INFO", `${name} left: ${reason}`));
  });
}

function serve() {
  const redis = store(6379);
  const listener = store(6379);
  listener.subscribe("talk", (problem) => problem && say("ERROR", `cannot listen: ${problem.message}`));
  listener.on("message", (_, text) => text.length > 50 && say("INFO", `long talk of ${text.length} letters`));
  if (process.env.GONE) store(6399);
  const server = require("http").createServer(pages(redis).callback());
  talk(server, redis);
  server.on("clientError", (problem, socket) => { say("WARN", `bad request: ${problem.code}`); socket.destroy(); });
  server.on("error", (problem) => { say("FATAL", `cannot serve: ${problem.message}`); process.exit(1); });
  server.listen(3000, "127.0.0.1", () => say("INFO", "lobby is open"));
  for (const name of ["SIGTERM", "SIGINT"]) {
    process.on(name, () => { say("INFO", `closing on ${name}`); redis.disconnect(); listener.quit().catch(() => {}); server.close(); setTimeout(() => process.exit(0), 700); });
  }
}

async function visit() {
  const { io } = require("socket.io-client");
  for (let n = 0; ; n += 1) {
    const room = pick("/room-1", "/room-2", "/room-3", "/none");
    const auth = { name: pick("ann", "bob", "eve", "joe") };
    const socket = io(`http://127.0.0.1:${pick(3000, 3000, 3000, 3001)}${room}`, { auth, transports: pick(["polling", "websocket"], ["websocket"], ["polling"]), reconnectionAttempts: 2, reconnectionDelay: 200, timeout: 1000, forceNew: n % 2 === 0 });
    socket.on("connect_error", (problem) => say("WARN", `${auth.name} cannot come in: ${problem.message}`));
    await sleep(300);
    for (let k = 0; k < 3; k += 1) {
      socket.timeout(500).emit("say", pick("hello", "x".repeat(60), Buffer.from("bytes"), "y".repeat(4000)), (problem) => problem && say("WARN", "nobody heard it"));
      await sleep(150);
    }
    if (n % 3 === 0) socket.emit("out");
    await sleep(200);
    socket.disconnect();
  }
}

process.on("unhandledRejection", (problem) => say("ERROR", `unexpected: ${problem && problem.message}`));
if (process.argv[2] === "visit") visit();
else serve();
