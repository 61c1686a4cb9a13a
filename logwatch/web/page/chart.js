// Lines of scores: small ones for a table, a large one with axes, incidents and a readout.
import { h, svg } from "/page/dom.js";

const TOP = 30; // -log10 p is at most that
const GAP_S = 120;

// Scores crowd near zero: a root spreads them, and large ones still stand out.
const height = (score) => Math.sqrt(Math.min(score, TOP) / TOP);

/** A sparkline of the last hours; the text says the same. */
export function sparkline(points, width = 140, tall = 26) {
  if (!points?.length) return h("span", { class: "calm" }, "–");
  const highest = Math.max(...points.map((one) => one.score));
  const label = `highest score ${highest.toFixed(1)} in ${points.length} minutes`;
  const picture = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${tall}`, width, height: tall, role: "img", "aria-label": label });
  picture.append(svg("title", {}, label));
  const [first, last] = [points[0].time, points.at(-1).time];
  const x = (time) => 1 + ((width - 2) * (time - first)) / Math.max(last - first, 60);
  const y = (score) => tall - 2 - (tall - 4) * height(score);
  picture.append(svg("path", { class: "line", d: path(points, x, y) }));
  for (const one of points.filter((point) => point.score >= 4)) {
    picture.append(svg("circle", { class: "peak", cx: x(one.time), cy: y(one.score), r: 2 }));
  }
  return picture;
}

function path(points, x, y) {
  let before = null;
  return points
    .map((one) => {
      const move = before === null || one.time - before > GAP_S ? "M" : "L";
      before = one.time;
      return `${move}${x(one.time).toFixed(1)} ${y(one.score).toFixed(1)}`;
    })
    .join("");
}

/** The score of a source by minute, with its incidents; arrows or the pointer read it out. */
export function scoreLine(points, incidents, open, room = 900) {
  if (!points.length) return h("p", { class: "calm" }, "There is no score of the last four hours of its own time. Metrics have none: their incidents and their heatmap tell.");
  const [wide, tall, left, below] = [Math.max(300, room), 230, 34, 28];
  const ticks = wide < 500 ? 3 : 6;
  const [first, last] = [points[0].time, Math.max(points.at(-1).time, points[0].time + 600)];
  const x = (time) => left + ((wide - left - 10) * (time - first)) / (last - first);
  const y = (score) => tall - below - (tall - below - 12) * height(score);
  const stamp = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const picture = svg("svg", {
    class: "chart", viewBox: `0 0 ${wide} ${tall}`, role: "group", tabindex: 0,
    "aria-label": `Score by minute from ${stamp(first)} to ${stamp(last)}; arrows read values out`,
  });
  for (const score of [0, 1, 3, 10, 30]) {
    picture.append(svg("line", { class: "grid", x1: left, x2: wide - 10, y1: y(score), y2: y(score) }));
    picture.append(svg("text", { class: "tick", x: left - 6, y: y(score) + 4, "text-anchor": "end" }, String(score)));
  }
  for (let i = 0; i <= ticks; i += 1) {
    const time = first + ((last - first) * i) / ticks;
    picture.append(svg("text", { class: "tick", x: x(time), y: tall - 8, "text-anchor": i === 0 ? "start" : i === ticks ? "end" : "middle" }, stamp(time)));
  }
  for (const one of incidents) {
    const at = new Date(one.first ?? one.last).getTime() / 1000;
    if (!(at >= first && at <= last)) continue;
    const mark = svg("a", { href: `#/incidents/${one.incident}`, "aria-label": `incident at ${stamp(at)}` });
    mark.append(svg("line", { class: `mark ${one.severity}`, x1: x(at), x2: x(at), y1: 8, y2: tall - below }));
    mark.append(svg("path", { class: `mark ${one.severity}`, d: `M${x(at) - 6} 2h12l-6 9z` }));
    mark.append(svg("title", {}, `${one.severity}: ${one.rule}`));
    picture.append(mark);
  }
  picture.append(svg("path", { class: "line", d: path(points, x, y) }));
  const dot = svg("circle", { class: "dot", r: 4, visibility: "hidden" });
  picture.append(dot);
  const said = h("p", { class: "readout", role: "status" }, open);
  let at = points.length - 1;
  const tell = (index) => {
    at = Math.max(0, Math.min(points.length - 1, index));
    const one = points[at];
    dot.setAttribute("cx", x(one.time));
    dot.setAttribute("cy", y(one.score));
    dot.setAttribute("visibility", "visible");
    said.textContent = `${stamp(one.time)}: score ${one.score.toFixed(2)}, ${one.judged.toLocaleString()} judged`;
  };
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15 }[event.key];
    if (step) {
      event.preventDefault();
      tell(at + step);
    }
  });
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const time = first + ((last - first) * (((event.clientX - box.left) / box.width) * wide - left)) / (wide - left - 10);
    tell(points.findLastIndex((one) => one.time <= time + 30));
  });
  return [picture, said];
}
