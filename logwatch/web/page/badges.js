// Severity, phase and time as small marks: a shape and a word, never a colour alone.
import { h } from "/page/dom.js";
import { ago, clock } from "/page/format.js";

const SHAPES = { info: "●", warning: "▲", critical: "◆" };

export const severity = (name) => h("span", { class: `badge ${SHAPES[name] ? name : "info"}` }, h("span", { "aria-hidden": "true" }, SHAPES[name] ?? "●"), ` ${name}`);

export const phase = (name, more = "") => h("span", { class: `badge ${name}` }, h("span", { "aria-hidden": "true" }, { watching: "✓", learning: "◔", paused: "‖" }[name] ?? "·"), ` ${name}`, more && h("span", { class: "calm" }, ` · ${more}`));

/** A time in the reader's zone; in UTC when pointed at. */
export const when = (text, relative = false) => (text ? h("time", { datetime: text, title: `${text.replace("T", " ")} (UTC)` }, relative ? ago(text) : clock(text)) : h("span", { class: "calm" }, "no time"));

export const said = (verdict) => verdict && h("span", { class: "badge said" }, verdict === "normal" ? "said: normal" : "said: real");
