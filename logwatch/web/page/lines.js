// Lines of an incident after those before it; the odd ones carry a mark and the word.
import { h, plain } from "/page/dom.js";
import { clock } from "/page/format.js";

const LONG = 1200;

export function lines(alert) {
  const list = [...alert.before.map((line) => [line, false]), ...alert.lines.map((line) => [line, true])];
  const title = h("h2", { id: "lines-title" }, "Lines");
  if (!list.length) return h("section", { class: "card", "aria-labelledby": "lines-title" }, title, h("p", { class: "calm" }, alert.kind === "metric" ? "It was found in metrics: there are no lines." : "No lines are kept of it."));
  return h("section", { class: "card", "aria-labelledby": "lines-title" }, title, h("ol", { class: "lines" }, list.map(([line, odd]) => row(line, odd))));
}

function row(line, odd) {
  const text = h("span", { class: "line-text" }, plain(line.text, LONG));
  const whole = line.text.length > LONG && h("button", { type: "button", class: "quiet", onclick: (event) => { text.textContent = plain(line.text, 100_000); event.target.remove(); } }, "Show all of it");
  return h("li", { class: odd ? "odd" : "" }, h("span", { class: "line-mark" }, odd ? "odd" : ""), h("span", { class: "line-time" }, line.time ? clock(line.time).split(" ").at(-1) : ""), h("span", { class: "line-body" }, text, whole));
}
