// Windows of metrics as pictures: that of an incident, or the newest of a source.
import { picture, read } from "/page/api.js";
import { h, plain } from "/page/dom.js";
import { clock } from "/page/format.js";
import { nothing } from "/page/states.js";

const NEAR_MS = 10 * 60_000;
const MOST = 3;

/** Pictures around an incident: its own, then those of other sources at that time. */
export async function around(alert) {
  const at = new Date(alert.last ?? alert.first).getTime();
  const distance = (one) => Math.abs(new Date(one.time).getTime() - at);
  const kept = (await read("heatmaps")).heatmaps;
  const own = kept.filter((one) => one.incident === alert.incident);
  const near = kept.filter((one) => one.incident !== alert.incident && one.time && distance(one) < NEAR_MS).sort((a, b) => (b.source === alert.source) - (a.source === alert.source) || distance(a) - distance(b));
  const chosen = new Map([...own, ...near].toReversed().map((one) => [one.source, one]));
  const list = [...chosen.values()].toReversed().slice(0, MOST);
  return list.length ? list.map((one) => framed(one)) : nothing("None is kept", "Windows of metrics are kept around incidents, and the newest of each source.");
}

/** One picture with its words; what drove the risk lies over it, where that is known. */
export function framed(one) {
  const risk = { risk: "true" };
  const query = one.incident ? { source: one.source, incident: one.incident, ...risk } : { source: one.source, ...(one.time ? { time: one.time } : {}), ...risk };
  const image = h("img", { src: picture(query), alt: `Heatmap of the metrics of ${plain(one.source, 100)}${one.time ? ` until ${clock(one.time)}` : ""}: a row for each metric, blue is low, yellow is high`, loading: "lazy", onerror: () => box.replaceChildren(h("p", { class: "calm" }, "There is no picture of it.")) });
  const box = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Heatmap of ${plain(one.source, 100)}` }, image);
  return h("figure", {}, box, h("figcaption", { class: "calm" }, h("a", { href: `#/sources/${encodeURIComponent(one.source)}` }, plain(one.source, 120)), one.time ? ` · until ${clock(one.time)}` : ""));
}
