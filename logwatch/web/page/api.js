// Asks the daemon. An answer that is no becomes a Refused; one without a session leads to the login.

export class Refused extends Error {
  constructor(status, error, hint) {
    super(error);
    this.status = status;
    this.hint = hint ?? "";
  }
}

/** What GET /api/v1/PATH answers; a list of the query is a name given more than once. */
export function read(path, query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one])).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  const search = given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
  return ask("GET", `/api/v1/${path}${search}`);
}

/** Write, as JSON. */
export const write = (path, body) => ask("POST", `/api/v1/${path}`, body);
export const remove = (path) => ask("DELETE", `/api/v1/${path}`);

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "The daemon does not answer", "it may be restarting");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  if (answer.status === 401) location.replace(`/login${location.hash}`);
  const told = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, told.error ?? `answer ${answer.status}`, told.hint);
}

/** The address of a picture. */
export const picture = (query) => `/api/v1/heatmap.png?${new URLSearchParams(query)}`;

let known = null;
/** What the reader may do: reads, writes, guarded. */
export async function me() {
  known ??= await read("me");
  return known;
}

/** End the session. */
export async function leave() {
  await fetch("/logout", { method: "POST" });
  location.replace("/login");
}
