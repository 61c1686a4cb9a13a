// The table of sources: filtered by a box, drawn a part at a time, so that thousands stay quick.
import { read } from "/page/api.js";
import { phase } from "/page/badges.js";
import { sparkline } from "/page/chart.js";
import { h, plain, show } from "/page/dom.js";
import { number } from "/page/format.js";
import { nothing } from "/page/states.js";

const PART = 100;
const LINES_EVERY_MS = 60_000;
const MOST = 100; // sources whose lines are asked for at once
const LONGEST = 3000; // characters of that question; the daemon takes 4096

const COLUMNS = ["Source", "State", "Rate", "Score, last 4 h", "Budget: asked / used", "Open", "Verdict"];

export function sources(find, leave) {
  const drawn = new Map(); // name → { row, cells, told }
  const counts = new Map(); // name → [time, records, rate]
  const lines = new Map(); // name → points
  let all = [];
  let most = PART;
  const box = h("input", { id: "filter", type: "search", value: find, "data-filter": true, "aria-label": "Filter sources", placeholder: "Filter   /", oninput: () => { most = PART; draw(); } });
  const body = h("tbody");
  const table = h("table", { class: "sources" }, h("caption", { class: "unseen" }, "Sources"), h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))), body);
  const empty = h("div");
  const more = h("button", { type: "button", class: "more", onclick: () => { most += PART; draw(); } });
  const said = h("span", { class: "calm", role: "status" });
  const element = h("section", { class: "card", "aria-labelledby": "sources-title" }, h("div", { class: "bar-top" }, h("h2", { id: "sources-title" }, "Sources"), said, box), table, empty, more);
  const sight = new IntersectionObserver((seen) => {
    ask(seen.filter((one) => one.isIntersecting).map((one) => one.target.dataset.source));
  });

  function draw() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = all.filter((one) => words.every((word) => `${one.source} ${one.phase}`.toLowerCase().includes(word)));
    const part = fits.slice(0, most);
    for (const one of part) renew(one);
    const rows = part.map((one) => drawn.get(one.source).row);
    if (rows.length !== body.children.length || rows.some((row, i) => body.children[i] !== row)) body.replaceChildren(...rows);
    table.hidden = !rows.length;
    more.hidden = fits.length <= most;
    more.textContent = `Show ${number(Math.min(PART, fits.length - most))} more of ${number(fits.length)}`;
    said.textContent = words.length ? `${number(fits.length)} of ${number(all.length)}` : number(all.length);
    show(empty, rows.length ? null : all.length ? nothing("No source has such a name.") : nothing("Nothing has been read yet", "Sources appear as soon as their first line is read. Each learns first, and says here for how long."));
  }

  function renew(one) {
    const known = drawn.get(one.source) ?? begin(one.source);
    const rate = counts.get(one.source)?.[2];
    const verdict = one.verdicts.map((each) => (one.verdicts.length > 1 ? `${each.signal}: ` : "") + each.sentence).join("; ");
    const told = JSON.stringify([one.phase, one.to_go, rate, one.budget, one.achieved, one.open, verdict, one.moved]);
    if (told === known.told) return;
    known.told = told;
    const [state, speed, , budget, open, sentence] = known.cells;
    show(state, phase(one.phase, one.phase === "learning" && one.to_go ? `${plain(one.to_go, 60)} to go` : ""));
    show(speed, rate === undefined ? h("span", { class: "calm" }, "–") : `${rate >= 10 ? number(Math.round(rate)) : rate.toFixed(1)}/s`);
    show(budget, h("span", {}, `${plain(one.budget, 30)} / `, one.achieved ? plain(one.achieved, 30) : h("span", { class: "calm" }, "not known yet")));
    show(open, one.open ? h("a", { href: `#/incidents?open=true&source=${encodeURIComponent(one.source)}`, "aria-label": `${one.open} open, ${plain(one.source, 80)}` }, h("strong", {}, number(one.open))) : h("span", { class: "calm" }, "0"));
    show(sentence, h("span", {}, plain(verdict, 300), one.moved && [" ", h("span", { class: "badge warning" }, "▲ templates moved")]));
  }

  function begin(name) {
    const cells = COLUMNS.slice(1).map((label) => h("td", { "data-label": label }));
    const link = h("a", { href: `#/sources/${encodeURIComponent(name)}`, "data-row": true }, plain(name, 200));
    const row = h("tr", { "data-source": name }, h("th", { scope: "row" }, link), cells);
    const known = { row, cells, told: "" };
    drawn.set(name, known);
    show(cells[2], lines.has(name) ? sparkline(lines.get(name)) : null);
    sight.observe(row);
    return known;
  }

  // Only of what is in sight.
  async function ask(names) {
    const asked = names.filter((name) => !lines.has(name));
    for (const name of asked) lines.set(name, []);
    for (const part of parts(asked)) {
      const found = new Map((await read("scores", { source: part }).catch(() => [])).map((one) => [one.source, one.points]));
      for (const name of part) put(name, found.get(name) ?? []);
    }
  }

  function put(name, points) {
    lines.set(name, points);
    const known = drawn.get(name);
    if (known) show(known.cells[2], sparkline(points));
  }

  function again() {
    lines.clear();
    const seen = [...body.children].filter((row) => row.getBoundingClientRect().top < innerHeight && row.getBoundingClientRect().bottom > 0);
    ask(seen.map((row) => row.dataset.source));
  }

  const timer = setInterval(again, LINES_EVERY_MS);
  leave(() => { clearInterval(timer); sight.disconnect(); });
  return {
    element,
    /** New reports of all sources. */
    update(reports) {
      const now = performance.now() / 1000;
      for (const one of reports) {
        const [time, records] = counts.get(one.source) ?? [now, one.records];
        if (now - time >= 2) counts.set(one.source, [now, one.records, Math.max(0, one.records - records) / (now - time)]);
        else if (!counts.has(one.source)) counts.set(one.source, [now, one.records]);
      }
      all = reports.toSorted((a, b) => Math.sign(b.open) - Math.sign(a.open) || (a.source < b.source ? -1 : 1));
      draw();
    },
  };
}

// Names in as many questions as their addresses need.
function parts(names) {
  const found = [];
  let room = 0;
  for (const name of names) {
    const size = new URLSearchParams({ source: name }).toString().length + 1;
    if (!found.length || size > room || found.at(-1).length === MOST) {
      found.push([]);
      room = LONGEST;
    }
    found.at(-1).push(name);
    room -= size;
  }
  return found;
}
