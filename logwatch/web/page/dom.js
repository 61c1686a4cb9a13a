// Builds elements. Text goes in as text nodes alone: nothing of a log is ever read as HTML.
const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, and children: nodes, texts, or lists of them. Names with "on" are listeners. */
export function h(tag, given = {}, ...children) {
  return fill(document.createElement(tag), given, children);
}

/** The same of SVG. */
export function svg(tag, given = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), given, children);
}

function fill(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.setAttribute("class", value);
    else if (name === "value" && "value" in element) element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

/** Replace what an element holds. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
}

// Characters that turn text around, hide or move it are shown as their code.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

/** Text of a log as people may see it: nothing acts, nothing hides; long ones are cut. */
export function plain(text, most = 4000) {
  const whole = String(text ?? "");
  const cut = whole.length > most ? `${whole.slice(0, most)} … ${(whole.length - most).toLocaleString()} more characters` : whole;
  return cut.replace(HIDDEN, (one) => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`);
}
