// Why it alerted: what was expected instead, and what each detector said.
import { h, plain, svg } from "/page/dom.js";
import { oneIn, percent } from "/page/format.js";

const bar = (share) => {
  const picture = svg("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  picture.append(svg("rect", { class: "ground", width: 100, height: 6 }), svg("rect", { class: "amount", width: Math.max(0.5, Math.min(1, share) * 100), height: 6 }));
  return picture;
};

export function expected(alert) {
  if (!alert.expected.length) return null;
  return h("section", { class: "card", "aria-labelledby": "expected-title" }, h("h2", { id: "expected-title" }, "Expected instead"),
    h("ol", { class: "bars" }, alert.expected.map((one) => h("li", {}, h("code", {}, plain(one.template, 300)), h("span", { class: "amount-text" }, percent(one.probability)), bar(one.probability ?? 0)))));
}

export function detectors(alert) {
  if (!alert.fired.length) return null;
  const most = Math.max(1, ...alert.fired.map((one) => one.nats ?? 0));
  const row = (one) => h("tr", {}, h("th", { scope: "row" }, plain(one.detector, 60)), h("td", {}, one.nats === null ? "–" : one.nats.toFixed(1), bar((one.nats ?? 0) / most)), h("td", {}, oneIn(one.p)));
  return h("section", { class: "card", "aria-labelledby": "because-title" }, h("h2", { id: "because-title" }, "Detectors"),
    h("table", { class: "detectors" }, h("thead", {}, h("tr", {}, ["Detector", "Surprise, nats", "How rare"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, alert.fired.toSorted((a, b) => (b.nats ?? 0) - (a.nats ?? 0)).map(row))));
}

export { bar };
