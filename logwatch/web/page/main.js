// Which view is shown: #/, #/incidents, #/incidents/ID, #/sources/NAME, #/risk.
import { me, leave } from "/page/api.js";
import { h, show } from "/page/dom.js";
import { health } from "/page/health.js";
import { incident } from "/page/incident.js";
import { incidents } from "/page/incidents.js";
import { keys } from "/page/keys.js";
import { begin } from "/page/live.js";
import { overview } from "/page/overview.js";
import { risk } from "/page/risk.js";
import { source } from "/page/source.js";
import { refused } from "/page/states.js";
import { theme } from "/page/theme.js";

const VIEWS = [
  [/^$/, "overview", overview],
  [/^incidents$/, "incidents", incidents],
  [/^incidents\/([0-9a-f]{4,64})$/, "incidents", incident],
  [/^sources\/(.+)$/, "overview", source],
  [/^risk$/, "risk", risk],
];
const view = document.getElementById("view");
let stops = [];
let shown = null;

/** Show what the address says; a view gets its place, what the address names, its query, and where to leave how it stops. */
async function go() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  for (const stop of stops) stop();
  const own = (stops = []);
  const [found, name, draw] = VIEWS.map(([pattern, ...rest]) => [path.match(pattern), ...rest]).find(([match]) => match) ?? [];
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const root = h("div", { class: "view" }, h("p", { class: "calm" }, "Loading…"));
  view.setAttribute("aria-busy", "true");
  show(view, root);
  if (shown !== null && shown !== path) {
    view.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  shown = path;
  try {
    if (!draw) throw Object.assign(new Error("Nothing is here"), { status: 404, hint: "the overview leads everywhere" });
    await draw(root, named(found[1]), new URLSearchParams(search), (stop) => (own === stops ? own.push(stop) : stop()));
    document.title = `${root.querySelector("h1")?.textContent ?? "logwatchd"} · logwatchd`;
  } catch (error) {
    if (own === stops) show(root, refused(error, go));
  } finally {
    if (own === stops) view.removeAttribute("aria-busy");
  }
}

function named(text) {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return text;
  }
}

addEventListener("hashchange", go);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's
  view.focus();
});
const out = document.getElementById("leave");
out.addEventListener("click", leave);
theme(document.getElementById("theme"));
keys(document.getElementById("shortcuts"), document.getElementById("help"));
health(document.getElementById("health"), document.getElementById("trouble"));
go();
me().then((who) => {
  out.hidden = !who.guarded;
  begin();
}, begin);
