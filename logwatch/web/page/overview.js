// The overview: what is read, what is open, and how many incidents each day had.
import { read } from "/page/api.js";
import { h, plain, show } from "/page/dom.js";
import { days } from "/page/days.js";
import { ago, bytes, number } from "/page/format.js";
import { rows } from "/page/incident_rows.js";
import { on } from "/page/live.js";
import { sources } from "/page/sources.js";
import { nothing, part } from "/page/states.js";

const DAYS = 14;

export async function overview(root, _name, query, leave) {
  const facts = h("dl", { class: "facts" });
  const open = h("section", { class: "card", "aria-labelledby": "open-title" });
  const daily = h("section", { class: "card", "aria-labelledby": "days-title" });
  const news = () => Promise.all([
    part(open, async () => openOnes(...(await Promise.all([read("incidents", { open: true, limit: 8 }), read("alerts", { limit: 4 })])))),
    part(daily, async () => daysOf(await read("alerts", { since: DAYS * 86400, limit: 200 }))),
  ]);
  const drawn = news(); // it need not wait for the status
  const first = await read("status");
  const table = sources(query.get("find") ?? "", leave);
  show(root, h("h1", { class: "unseen" }, "Overview"), facts, h("div", { class: "pair" }, open, daily), table.element);

  const status = (now) => {
    show(facts, ...summary(now).map(([name, value, more]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, more && h("span", { class: "calm" }, more)))));
    table.update(now.sources);
  };
  status(first);
  leave(on("status", status));
  let waiting = 0;
  leave(on("alert", () => {
    waiting ||= setTimeout(() => { waiting = 0; news(); }, 1000); // many come at once
  }));
  leave(() => clearTimeout(waiting));
  await drawn;
}

function summary(status) {
  const count = (phase) => status.sources.filter((one) => one.phase === phase).length;
  const learning = count("learning");
  return [
    ["Sources", number(status.sources.length), learning ? ` ${number(learning)} learning` : " all watching"],
    ["Open incidents", number(status.sources.reduce((sum, one) => sum + one.open, 0))],
    ["Records", number(status.records), " since the start"],
    ["Model", plain(status.model || "none yet", 60)],
    ["Last commit", status.last_commit ? ago(status.last_commit) : "none yet", ` ${bytes(status.state_bytes)} kept`],
    ...(status.sinks.some((one) => one.error) ? [["Sinks", "failing", ` ${plain(status.sinks.filter((one) => one.error).map((one) => one.sink).join(", "), 100)}`]] : []),
  ];
}

function openOnes(page, latest) {
  const title = h("h2", { id: "open-title" }, "Open incidents");
  if (page.alerts.length) return [title, rows(page.alerts), page.next && h("p", {}, h("a", { href: "#/incidents?open=true" }, "All that are open"))];
  if (!latest.alerts.length) return [title, nothing("Nothing unusual has happened yet", "New incidents appear here by themselves.")];
  return [title, h("p", { class: "calm" }, "None is open. The latest:"), rows(latest.alerts), h("p", {}, h("a", { href: "#/incidents" }, "All incidents"))];
}

function daysOf(page) {
  const more = page.next ? `The newest ${number(page.alerts.length)} incidents` : `${number(page.alerts.length)} incidents`;
  return [h("h2", { id: "days-title" }, "Incidents per day"), days(page.alerts, DAYS), h("p", { class: "calm" }, `${more} of the last ${DAYS} days.`)];
}
