// How likely each source is to fail soon, what drives it, and its metrics.
import { read } from "/page/api.js";
import { when } from "/page/badges.js";
import { h, plain, show } from "/page/dom.js";
import { bar } from "/page/evidence.js";
import { length, percent } from "/page/format.js";
import { framed } from "/page/heatmaps.js";
import { on } from "/page/live.js";
import { nothing, part } from "/page/states.js";

const EVERY_MS = 15_000;

export async function risk(root, _name, query, leave) {
  const max = Number(query.get("max") ?? 0.5) || 0.5;
  const gate = h("p", { class: "row", role: "status" });
  const list = h("div", { class: "risks" });
  show(root, h("h1", {}, "Risk"), h("section", { class: "card", "aria-label": "Gate" }, gate, h("p", { class: "calm" }, "What a deployment gate is told: what is not known does not pass.")), list);
  let drawn = "";
  const renew = async () => {
    const now = await read("risk", { max });
    show(gate, h("span", { class: now.pass ? "badge watching" : "badge critical" }, now.pass ? "✓ pass" : "◆ shut"),
      h("strong", {}, now.highest === null ? "nothing is known" : `highest ${percent(now.highest)}`), h("span", { class: "calm" }, `shut above ${percent(max)}`), now.error && h("span", {}, plain(now.error, 300)));
    const told = JSON.stringify(now.results.map((one) => [one.source, one.probability, one.time, one.error && "error"]));
    if (told === drawn) return;
    drawn = told;
    const order = now.results.toSorted((a, b) => (b.probability ?? -1) - (a.probability ?? -1));
    show(list, order.length ? order.map((one) => card(one)) : h("div", { class: "card" }, nothing("No source has a risk", plain(now.error ?? "", 300))));
  };
  await renew();
  leave(on("risk", () => part(h("div"), renew)));
  const timer = setInterval(() => part(h("div"), renew), EVERY_MS); // what was said becomes too old
  leave(() => clearInterval(timer));
}

function card(one) {
  const known = one.probability !== null;
  return h("section", { class: "card risk", "aria-label": plain(one.source, 120) },
    h("h2", {}, h("a", { href: `#/sources/${encodeURIComponent(one.source)}` }, plain(one.source, 160))),
    known ? h("p", { class: "risk-number" }, h("strong", { class: one.above ? "bad" : "" }, percent(one.probability)), h("span", { class: "calm" }, ` within ${length(one.horizon ?? 0)} · `, when(one.time)), bar(one.probability))
      : h("p", { class: "calm" }, `Not known: ${plain(readable(one.error ?? ""), 300) || "no window yet"}.`),
    one.detail && h("p", {}, plain(one.detail, 400)),
    one.drivers.length > 0 && h("div", {}, h("h3", {}, "Driven by"), h("ol", { class: "bars" }, one.drivers.map((each) => h("li", {}, h("code", {}, plain(each.metric, 200)), h("span", { class: "amount-text" }, percent(each.share)), bar(each.share))))),
    framed({ source: one.source, time: one.time }));
}

// "71695s ago" is hard to read.
const readable = (text) => text.replace(/(\d{3,})s\b/g, (_, seconds) => length(Number(seconds)));
