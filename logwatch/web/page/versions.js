// Versions of the network, the newest first.
import { when } from "/page/badges.js";
import { h, plain } from "/page/dom.js";
import { number } from "/page/format.js";
import { nothing } from "/page/states.js";

const NEWEST = 10;

export function versions(lanes) {
  const list = lanes.flatMap((lane) => lane.versions.map((one) => ({ ...one, lane: lane.lane }))).toReversed();
  if (!list.length) return nothing("There is none", "The detector lstm is off, or nothing has been learned yet.");
  const row = (one) => h("tr", {}, h("th", { scope: "row" }, `${one.lane ? `${plain(one.lane, 40)} ` : ""}${one.number}`), h("td", {}, plain(one.state, 20)), h("td", {}, number(one.events[1] - one.events[0])), h("td", {}, one.loss?.toFixed(2) ?? "–"), h("td", {}, when(one.until)));
  return [h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Versions of the model" }, h("table", { class: "narrow" }, h("thead", {}, h("tr", {}, ["Version", "State", "Events", "Loss, nats", "Until"].map((title) => h("th", { scope: "col" }, title)))), h("tbody", {}, list.slice(0, NEWEST).map(row)))),
    list.length > NEWEST && h("p", { class: "calm" }, `and ${number(list.length - NEWEST)} older ones: logwatchd model list`)];
}
