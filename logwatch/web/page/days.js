// How many incidents each day had, by severity: a bar for each day.
import { h, svg } from "/page/dom.js";

const KINDS = ["critical", "warning", "info"];
const [WIDE, TALL, BELOW] = [420, 130, 20];

export function days(rows, count, now = new Date()) {
  const list = Array.from({ length: count }, (_, i) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - count + 1 + i));
  const key = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
  const found = new Map(list.map((date) => [key(date), { critical: 0, warning: 0, info: 0 }]));
  for (const row of rows) {
    const day = found.get(key(new Date(row.first ?? row.last)));
    if (day) day[row.severity] += 1;
  }
  const total = (day) => KINDS.reduce((sum, kind) => sum + day[kind], 0);
  const most = Math.max(4, ...[...found.values()].map(total));
  const name = (date) => date.toLocaleDateString([], { month: "short", day: "numeric" });
  const label = list.map((date) => [name(date), total(found.get(key(date)))]).filter(([, sum]) => sum).map(([day, sum]) => `${day}: ${sum}`).join(", ");
  const picture = svg("svg", { class: "days", viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": `Incidents per day. ${label || "None"}` });
  const step = WIDE / count;
  picture.append(svg("line", { class: "grid", x1: 0, x2: WIDE, y1: TALL - BELOW + 0.5, y2: TALL - BELOW + 0.5 }));
  list.forEach((date, i) => bar(picture, found.get(key(date)), i * step, step, most, total));
  for (const i of [0, Math.floor(count / 2), count - 1]) {
    const anchor = i === 0 ? "start" : i === count - 1 ? "end" : "middle";
    const x = i === 0 ? 0 : i === count - 1 ? WIDE : (i + 0.5) * step;
    picture.append(svg("text", { class: "tick", x, y: TALL - 5, "text-anchor": anchor }, i === count - 1 ? "today" : name(list[i])));
  }
  return [picture, h("p", { class: "legend", "aria-hidden": "true" }, KINDS.map((kind) => h("span", { class: `key ${kind}` }, kind)))];
}

function bar(picture, day, x, step, most, total) {
  let y = TALL - BELOW;
  for (const kind of [...KINDS].reverse()) {
    const tall = ((TALL - BELOW - 16) * day[kind]) / most;
    y -= tall;
    if (tall) picture.append(svg("rect", { class: kind, x: x + step * 0.18, y, width: step * 0.64, height: tall }));
  }
  if (total(day)) picture.append(svg("text", { class: "tick", x: x + step / 2, y: y - 4, "text-anchor": "middle" }, String(total(day))));
}
