// The line at the top: how the daemon is, and whether the page hears of it.
import { plain } from "/page/dom.js";
import { clock, length, number } from "/page/format.js";
import { on } from "/page/live.js";

export function health(line, trouble) {
  let heard = new Date().toISOString();
  let linked = true;
  on("status", (status) => {
    heard = new Date().toISOString();
    line.classList.toggle("paused", Boolean(status.paused || !status.ready));
    const words = status.paused ? `paused: ${status.paused}` : status.ready ? "reading" : `starting: ${status.waiting || "not ready yet"}`;
    const parts = [words, `${number(status.records)} records`, status.uptime !== null && `up ${length(status.uptime)}`];
    line.textContent = plain(parts.filter(Boolean).join(" · "), 200);
  });
  on("line", (state) => {
    document.documentElement.classList.toggle("stale", state === false);
    if (state === false) say(`Disconnected: this is how it was at ${clock(heard)}. Trying again…`);
    else if (state === "polling") say("Live events are not available: asking every 5 seconds instead.");
    else if (!linked) say("");
    linked = state === true;
  });
  on("lagged", (told) => say(`Too much happened at once: ${number(told.missed)} alerts were not shown live; the list has them.`));

  function say(text) {
    if (trouble.textContent === text) return;
    trouble.textContent = text;
    trouble.hidden = !text;
  }
}
