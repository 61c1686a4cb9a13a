// What stands where there is nothing to show: an error, nothing yet, nothing found.
import { h, plain } from "/page/dom.js";

/** An answer that is no, with what to do, and a button to ask again. */
export function refused(error, again) {
  const hint = error.hint ? `${plain(error.hint, 400)}.` : "";
  return h("section", { class: "card state", role: "alert" },
    h("h1", {}, error.status === 404 ? "Not found" : "That did not work"),
    h("p", {}, `${plain(error.message, 400)}.`),
    hint && h("p", { class: "calm" }, hint),
    h("p", {}, again && h("button", { type: "button", onclick: again }, "Try again"), " ", h("a", { href: "#/" }, "Overview")));
}

/** Nothing is here: why, and what comes. */
export const nothing = (title, text) => h("div", { class: "state" }, h("p", { class: "state-title" }, title), text && h("p", { class: "calm" }, text));

/** A part of a view that may fail alone. */
export async function part(place, work) {
  try {
    place.replaceChildren(...[await work()].flat(Infinity).filter((one) => one));
  } catch (error) {
    place.replaceChildren(h("p", { class: "bad" }, `${plain(error.message, 400)}. ${plain(error.hint ?? "", 400)}`));
  }
}
