// News from the daemon: server-sent events; where they fail, a question every five seconds.
import { read } from "/page/api.js";

const POLL_MS = 5000;
const listeners = new Map();
let latest = null;
let polling = 0;
let source = null;

/** Call back at "alert", "status", "risk", "lagged" or "line" (true: connected); returns how to stop. */
export function on(kind, callback) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(callback);
  return () => listeners.get(kind).delete(callback);
}

/** The newest status; null before the first. */
export const status = () => latest;

function tell(kind, body) {
  if (kind === "status") latest = body;
  for (const one of listeners.get(kind) ?? []) one(body);
}

/** From now on. */
export function begin() {
  source = new EventSource("/api/v1/events");
  for (const kind of ["alert", "status", "risk", "lagged"]) {
    source.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  }
  source.addEventListener("open", () => {
    clearInterval(polling);
    polling = 0;
    tell("line", true);
  });
  source.addEventListener("error", () => {
    tell("line", false);
    polling ||= setInterval(poll, POLL_MS);
    if (source.readyState === EventSource.CLOSED) setTimeout(begin, 3 * POLL_MS);
  });
}

async function poll() {
  try {
    tell("status", await read("status"));
    if (source.readyState === EventSource.CLOSED) tell("alert", null);
    tell("line", "polling");
  } catch {
    tell("line", false);
  }
}
