// One incident: the lines, what was expected instead, who found it, the metrics around it, and what people say of it.
import { read } from "/page/api.js";
import { severity, when } from "/page/badges.js";
import { h, plain, show } from "/page/dom.js";
import { detectors, expected } from "/page/evidence.js";
import { feedback } from "/page/feedback.js";
import { length, number, oneIn } from "/page/format.js";
import { around } from "/page/heatmaps.js";
import { lines } from "/page/lines.js";
import { on } from "/page/live.js";
import { part } from "/page/states.js";

export async function incident(root, id, _query, leave) {
  const found = await read(`alerts/${id}`);
  const { alert } = found;
  const later = h("section", { class: "card" });
  const head = h("header", { class: "incident-top" });
  const pictures = h("div", {}, h("p", { class: "calm" }, "Loading…"));
  show(root, head,
    h("div", { class: "split" },
      h("div", {}, lines(alert), h("section", { class: "card", "aria-labelledby": "around-title" }, h("h2", { id: "around-title" }, "Metrics at that time"), pictures), later),
      h("div", {}, feedback(found), expected(alert), detectors(alert), place(alert))));
  const renew = (now) => {
    show(head, ...top(now.alert, now.later.at(-1) ?? now.alert));
    show(later, ...updates(now.later));
    later.hidden = !now.later.length;
  };
  renew(found);
  leave(on("alert", (row) => {
    if (row === null || row.incident === alert.incident) read(`alerts/${alert.incident}`).then(renew, () => null);
  }));
  await part(pictures, () => around(alert));
}

function top(alert, latest) {
  const over = latest.state === "end";
  const lasted = alert.first && latest.last ? (new Date(latest.last) - new Date(alert.first)) / 1000 : null;
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/incidents" }, "Incidents"), " / ", h("a", { href: `#/sources/${encodeURIComponent(alert.source)}` }, plain(alert.source, 120))),
    h("h1", {}, `${plain(alert.rule, 60)} in ${plain(alert.source, 120)}`),
    h("p", { class: "row" }, severity(latest.severity), h("span", { class: over ? "badge" : "badge live" }, over ? "over" : "open"), when(alert.first ?? alert.last),
      lasted > 0 && h("span", {}, `${over ? "lasted" : "for"} ${length(lasted)}`), h("span", {}, `${number(latest.count)} ${latest.count === 1 ? "member" : "members"}`),
      h("span", {}, `score ${latest.score?.toFixed(1) ?? "–"}`), h("span", { class: "calm" }, oneIn(latest.p)), alert.provisional && h("span", { class: "badge learning" }, "◔ provisional")),
    alert.entity && h("p", {}, "Of ", h("code", {}, plain(alert.entity, 300))),
    alert.detail && h("p", { class: "detail" }, plain(alert.detail, 1000)),
  ];
}

function updates(later) {
  return [h("h2", {}, "What came later"), h("ol", { class: "later" }, later.map((one) => h("li", {}, when(one.last ?? one.first), h("span", { class: "badge" }, one.state), h("span", {}, plain(one.detail || `${one.count} members, score ${one.score?.toFixed(1)}`, 400)), one.lines.slice(-3).map((line) => h("code", { class: "incident-line" }, plain(line.text, 300))))))];
}

function place(alert) {
  const rows = [...Object.entries(alert.position), ["template", alert.template], ["model", alert.model], ["instance", alert.instance], ["id", alert.id]].filter(([, value]) => value !== "" && value !== null);
  return h("section", { class: "card", "aria-labelledby": "place-title" }, h("h2", { id: "place-title" }, "Where it stands"), h("dl", { class: "pairs" }, rows.map(([name, value]) => [h("dt", {}, plain(name, 60)), h("dd", {}, h("code", {}, plain(value, 200)))])));
}
