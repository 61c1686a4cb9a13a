// One source: its score by minute, its kinds of lines, what its detectors are worth, versions of the model.
import { read } from "/page/api.js";
import { phase } from "/page/badges.js";
import { scoreLine } from "/page/chart.js";
import { h, plain, show } from "/page/dom.js";
import { bar } from "/page/evidence.js";
import { number, percent } from "/page/format.js";
import { framed } from "/page/heatmaps.js";
import { rows } from "/page/incident_rows.js";
import { on } from "/page/live.js";
import { nothing, part } from "/page/states.js";
import { versions } from "/page/versions.js";

const LINE_EVERY_MS = 30_000;

export async function source(root, name, _query, leave) {
  const [report] = await read("sources", { source: name });
  if (!report) throw Object.assign(new Error(`There is no source ${name}`), { status: 404, hint: "it may not have been read since the start" });
  const head = h("header", { class: "incident-top" });
  const card = (id, title) => {
    const place = h("div", {}, h("p", { class: "calm" }, "Loading…"));
    return [h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), place), place];
  };
  const [chart, line] = card("line-title", "Score by minute");
  const [recent, list] = card("recent-title", "Latest incidents");
  const [known, templates] = card("templates-title", "Kinds of lines");
  const [worth, verdict] = card("verdict-title", "Does it need the LSTM?");
  const [model, table] = card("model-title", "Versions of the model");
  const [heat, picture] = card("heat-title", "Latest metrics");
  const metrics = report.series > 0;
  show(root, head, chart, h("div", { class: "split" }, h("div", {}, recent, metrics ? heat : known), h("div", {}, worth, model)));
  const renew = (now) => {
    show(head, ...top(now));
    show(verdict, now.verdicts.map(worthOf));
  };
  renew(report);
  leave(on("status", (status) => {
    const now = status.sources.find((one) => one.source === name);
    if (now) renew(now);
  }));
  const drawn = () => part(line, async () => {
    const [[scores], alerts] = await Promise.all([read("scores", { source: name }), read("alerts", { source: name, limit: 100 })]);
    list.replaceChildren(alerts.alerts.length ? rows(alerts.alerts.slice(0, 8)) : nothing("No incidents", report.phase === "learning" ? "It is still learning what is usual." : "Nothing unusual has happened."));
    return scoreLine(scores?.points ?? [], alerts.alerts, "Point at the line, or use the arrow keys.", line.clientWidth);
  });
  const timer = setInterval(() => line.contains(document.activeElement) || line.matches(":hover") || drawn(), LINE_EVERY_MS);
  leave(() => clearInterval(timer));
  await Promise.all([
    drawn(),
    metrics ? part(picture, () => framed({ source: name })) : part(templates, async () => kinds(await read("templates", { source: name, limit: 100 }))),
    part(table, async () => versions((await read("models")).lanes)),
  ]);
}

function top(one) {
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Overview"), " / source"),
    h("h1", {}, plain(one.source, 200)),
    h("p", { class: "row" }, phase(one.phase, one.phase === "learning" && one.to_go ? `${plain(one.to_go, 60)} to go` : ""), h("span", {}, `${number(one.records)} ${one.series ? "rows" : "records"}`),
      one.series ? h("span", {}, `${number(one.series)} series`) : null, h("span", {}, `${number(one.incidents)} incidents, ${number(one.open)} open`), h("span", { class: "calm" }, `budget ${plain(one.budget, 30)}, used ${plain(one.achieved || "not known yet", 30)}`),
      one.moved && h("span", { class: "badge warning" }, "▲ its templates moved")),
  ];
}

function worthOf(one) {
  const most = Math.max(1, one.incidents, ...Object.values(one.alone));
  const found = Object.entries(one.found).sort((a, b) => b[1] - a[1]);
  return [h("p", {}, plain(one.sentence, 400)),
    one.lstm_cpu !== null && h("p", { class: "calm" }, `The LSTM takes ${percent(one.lstm_cpu)} of the time that it costs.`),
    h("table", { class: "detectors" }, h("caption", { class: "calm" }, `Of ${number(one.incidents)} incidents in ${plain(one.signal, 20)}, each detector alone`),
      h("thead", {}, h("tr", {}, ["Detector", "finds of them", "would alert"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, found.map(([name, count]) => h("tr", {}, h("th", { scope: "row" }, plain(name, 40)), h("td", {}, number(count), bar(count / most)), h("td", {}, number(one.alone[name] ?? 0))))))];
}

function kinds(list) {
  if (!list.length) return nothing("None yet", "They appear as lines are read.");
  const most = list[0].count || 1;
  return h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Kinds of lines" }, h("ol", { class: "bars kinds" }, list.map((one) => h("li", {}, h("code", {}, plain(one.template, 400)), h("span", { class: "amount-text" }, number(Math.round(one.count))), bar(one.count / most)))));
}
