// The list of incidents: filters stand in the address, so that it can be passed on.
import { read } from "/page/api.js";
import { h, show } from "/page/dom.js";
import { number } from "/page/format.js";
import { rows } from "/page/incident_rows.js";
import { on, status } from "/page/live.js";
import { nothing, refused } from "/page/states.js";

const SINCE = [["", "any time"], [3600, "the last hour"], [86400, "the last day"], [604800, "the last week"], [2592000, "the last 30 days"]];
const SEVERITIES = [["", "all"], ["warning", "warning or worse"], ["critical", "critical"]];
const LIMIT = 50;

export async function incidents(root, _name, query, leave) {
  const asked = { source: query.get("source") ?? "", severity: query.get("severity") ?? "", since: query.get("since") ?? "", open: query.get("open") ?? "" };
  const list = h("div");
  const more = h("button", { type: "button", class: "more", hidden: true }, "Older ones");
  const fresh = h("button", { type: "button", class: "more", hidden: true, onclick: () => again() }, "New incidents: show them");
  show(root, h("h1", {}, "Incidents"), form(asked), h("section", { class: "card", "aria-label": "Incidents" }, fresh, list, more));
  let before = null;

  async function page() {
    const found = await read("alerts", { ...asked, limit: LIMIT, before });
    before = found.next;
    if (found.alerts.length) list.append(rows(found.alerts));
    if (!list.children.length && !found.next) list.append(nothing(Object.values(asked).some(Boolean) ? "No incident like that" : "No incidents", empty(asked)));
    more.hidden = !found.next;
    more.textContent = found.scanned ? `Older ones (${number(found.scanned)} alerts looked at)` : "Older ones";
  }
  async function again() {
    before = null;
    fresh.hidden = true;
    list.replaceChildren();
    await page();
  }
  more.addEventListener("click", () => page().catch((error) => show(list, refused(error, again))));
  leave(on("alert", () => {
    if (before === null || list.children.length <= 1) fresh.hidden = false; // it does not move what is being read
  }));
  await page();
}

function empty(asked) {
  if (Object.values(asked).some(Boolean)) return "None that fits these filters.";
  const learning = status()?.sources.filter((one) => one.phase === "learning") ?? [];
  return learning.length ? `${learning.length} sources are still learning what is usual.` : "Nothing unusual has happened yet.";
}

function form(asked) {
  const choice = (name, label, list) => h("label", {}, h("span", {}, label), h("select", { name }, list.map(([value, text]) => h("option", { value, selected: String(value) === asked[name] }, text))));
  const box = h("input", { id: "filter", name: "source", value: asked.source, type: "search", "data-filter": true, list: "names", placeholder: "any   /", autocomplete: "off" });
  const names = h("datalist", { id: "names" }, (status()?.sources ?? []).slice(0, 1000).map((one) => h("option", { value: one.source })));
  const open = h("input", { type: "checkbox", name: "open", value: "true", checked: asked.open === "true" });
  const form = h("form", { class: "filters", role: "search", "aria-label": "Filters" },
    h("label", { class: "wide" }, h("span", {}, "Source"), box), names, choice("severity", "Severity", SEVERITIES), choice("since", "Since", SINCE),
    h("label", { class: "check" }, open, h("span", {}, "open only")),
    h("button", { type: "submit" }, "Filter"));
  const apply = () => {
    const given = [...new FormData(form)].filter(([, value]) => value);
    location.hash = `#/incidents${given.length ? `?${new URLSearchParams(given)}` : ""}`;
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  form.addEventListener("change", apply);
  return form;
}
