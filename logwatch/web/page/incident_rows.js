// Incidents as a list of links, newest first.
import { said, severity, when } from "/page/badges.js";
import { h, plain } from "/page/dom.js";

export const rows = (list) => h("ol", { class: "incidents" }, list.map(row));

function row(one) {
  const line = one.line || one.detail;
  return h("li", {},
    h("a", { href: `#/incidents/${one.incident}`, "data-row": true, class: one.state === "end" ? "incident" : "incident open" },
      h("span", { class: "incident-head" }, severity(one.severity), h("strong", {}, plain(one.source, 120)), h("span", { class: "calm" }, plain(what(one), 200)), said(one.feedback),
        h("span", { class: "incident-when" }, one.state === "end" ? "" : h("span", { class: "badge live" }, "open"), when(one.last ?? one.first))),
      h("code", { class: "incident-line" }, plain(line.split("\n", 1)[0], 300))));
}

/** "lstm, 5 lines" */
function what(one) {
  const members = one.count > 1 ? `, ${one.count.toLocaleString()} ${one.kind === "metric" ? "steps" : "times"}` : "";
  return `${one.rule}${one.entity ? ` · ${one.entity}` : ""}${members}${one.provisional ? " · provisional" : ""}`;
}
