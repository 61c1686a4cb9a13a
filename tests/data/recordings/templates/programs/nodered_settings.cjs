// Settings of the recorded Node-RED.
"use strict";

module.exports = {
  flowFile: "flows.json",
  credentialSecret: "secret",
  uiPort: 1880,
  uiHost: "127.0.0.1",
  verbose: true,
  logging: { console: { level: process.env.LEVEL, metrics: false, audit: true } },
  adminAuth: {
    type: "credentials",
    users: [
      { username: "admin", password: require("bcryptjs").hashSync("right", 4), permissions: "*" },
      { username: "guest", password: require("bcryptjs").hashSync("guest", 4), permissions: "read" },
    ],
  },
  httpNodeAuth: undefined,
  functionTimeout: 2,
  functionExternalModules: true,
  mqttReconnectTime: 1500,
  socketReconnectTime: 1500,
  contextStorage: { default: { module: "memory" }, disk: { module: "localfilesystem" } },
  editorTheme: { projects: { enabled: process.env.PROJECTS === "1" }, tours: false },
  externalModules: { palette: { allowInstall: true } },
  diagnostics: { enabled: true, ui: true },
  telemetry: { enabled: false },
};
