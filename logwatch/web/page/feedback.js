// What people say of an incident: normal or real, how far that reaches and how long; and taking it back.
import { me, read, remove, write } from "/page/api.js";
import { when } from "/page/badges.js";
import { h, plain, show } from "/page/dom.js";

const EXPIRES = [["1d", "a day"], ["7d", "7 days"], ["30d", "30 days"], ["", "for good"]];

export function feedback(found) {
  const { alert } = found;
  const told = h("p", { role: "status", class: "said-line" });
  const before = h("div");
  const form = h("div", {}, h("p", { class: "calm" }, "Loading…"));
  const say = (text, bad = false) => { told.textContent = text; told.className = bad ? "said-line bad" : "said-line good"; };
  const again = async () => show(before, given((await read(`alerts/${alert.incident}`)).feedback, undo));
  const attempt = async (work, done) => {
    try {
      say("");
      await work();
      say(done);
      await again();
    } catch (error) {
      say(`${plain(error.message, 300)}${error.hint ? `: ${plain(error.hint, 300)}` : ""}.`, true);
    }
  };
  const undo = (id) => attempt(() => remove(`feedback/${id}`), "Taken back: such alerts come again.");
  show(before, given(found.feedback, undo));
  me().then((who) => show(form, who.writes ? fields(alert, (body) => attempt(() => write("feedback", body), body.verdict === "normal" ? "Noted: such alerts do not come again." : "Noted: it stays rare, and is not learned as usual.")) : closed(who)));
  return h("section", { class: "card feedback", "aria-labelledby": "feedback-title" }, h("h2", { id: "feedback-title" }, "Is this normal?"), form, told, before);
}

function closed(who) {
  return h("p", { class: "calm" }, who.guarded ? "Log in to say so." : "Set token_file in [http] to say so here; or use logwatchd alerts normal.");
}

function fields(alert, give) {
  const check = (name, label) => h("label", { class: "check" }, h("input", { type: "checkbox", name }), h("span", {}, label));
  const form = h("form", {},
    h("div", { class: "buttons" }, h("button", { name: "verdict", value: "normal" }, "✓ Normal"), h("button", { name: "verdict", value: "real", class: "real" }, "! Real")),
    h("div", { class: "inline" }, h("label", {}, h("span", {}, "Holds"), h("select", { name: "expires" }, EXPIRES.map(([value, text]) => h("option", { value, selected: value === "30d" }, text)))),
      h("label", { class: "wide" }, h("span", {}, "Note"), h("input", { name: "note", maxlength: 1000, placeholder: "why, for those after you" }))),
    h("details", {}, h("summary", {}, "How far it reaches"), h("p", { class: "calm" }, "As it stands: such lines in this source."), check("detector", `only what ${plain(alert.rule, 40)} says`), check("any_source", "in every source"), check("any_template", "lines of any kind"),
      h("label", {}, h("span", {}, "Only lines with this text"), h("input", { name: "value", maxlength: 1000 })),
      alert.entity && h("label", {}, h("span", {}, "Only entities that match"), h("input", { name: "entity", maxlength: 1000, placeholder: "a regular expression" }))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const text = (name) => data.get(name) ?? "";
    give({ incident: alert.incident, verdict: event.submitter?.value ?? "normal", expires: text("expires") || null, note: text("note"), value: text("value"), entity: text("entity"), detector: data.has("detector"), any_source: data.has("any_source"), any_template: data.has("any_template") });
  });
  return form;
}

function given(list, undo) {
  if (!list.length) return null;
  return [h("h3", {}, "What was said"), h("ul", { class: "given" }, list.toReversed().map((one) => h("li", {},
    h("p", {}, h("strong", {}, one.verdict), ` · ${plain(one.said, 300)}`),
    one.note && h("p", { class: "quote" }, plain(one.note, 1000)),
    h("p", { class: "calm" }, `${plain(one.by, 60)} · `, when(one.asked), ` · ${one.state}`, one.until && one.state === "in force" ? [" until ", when(one.until)] : "", one.silenced ? ` · ${one.silenced} held back` : ""),
    one.state === "in force" && h("button", { type: "button", class: "quiet", onclick: () => undo(one.id) }, "Undo"))))];
}
