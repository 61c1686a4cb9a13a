// Loaded before Node-RED and the lobby: writes the place of the statement before every line that it prints.
"use strict";

const FORWARDS = [/^node:/, /nodered_place\.cjs/, /\/debug\/src\//, /@node-red\/util\/lib\/log\.js/, /follow-redirects\/debug\.js/, /ioredis\/built\/utils\/debug\.js/];
const FORWARDERS = [
  ["@node-red/runtime/lib/nodes/Node.js", /log_helper|\.(log|warn|error|debug|trace|status)$/],
  ["@node-red/runtime/lib/flows/Flow.js", /\.(log|warn|error|info|debug|trace)$/],
  ["@node-red/runtime/lib/flows/index.js", /\.log$/],
  ["/lobby_app.cjs", /\.say$/],
];
Error.stackTraceLimit = 40;

function place() {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, frames) => frames;
  const frames = new Error().stack;
  Error.prepareStackTrace = prepare;
  for (const frame of frames.slice(2)) {
    const file = frame.getFileName() || frame.getEvalOrigin() || "";
    const name = `${frame.getTypeName()}.${frame.getFunctionName()}`;
    if (!file || FORWARDS.some((pattern) => pattern.test(file))) continue;
    if (FORWARDERS.some(([tail, pattern]) => file.endsWith(tail) && pattern.test(name))) continue;
    return `${file.replace(/^.*(node_modules|recording\/tools\/\w+)\//, "").replaceAll("@", "")}:${frame.getLineNumber()}`;
  }
  return "";
}

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) => {
    const text = String(chunk);
    return write(text.trim() ? `@@${place()}@@${text}` : text, ...rest);
  };
}
