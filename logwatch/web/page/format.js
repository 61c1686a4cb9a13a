// Numbers and times in words.

/** 12:34:56 today, else with the day; in the reader's own zone. */
export function clock(text) {
  if (!text) return "no time";
  const at = new Date(text);
  const time = at.toLocaleTimeString([], { hourCycle: "h23" });
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return time;
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return `${at.toLocaleDateString([], { day: "numeric", month: "short", ...year })}, ${time}`;
}

/** "3 min ago". */
export function ago(text, now = Date.now()) {
  if (!text) return "";
  const seconds = (now - new Date(text).getTime()) / 1000;
  return seconds < 0 ? "just now" : `${length(seconds)} ago`;
}

/** "3 min". */
export function length(seconds) {
  const units = [[86400 * 2, 86400, "days"], [7200, 3600, "h"], [120, 60, "min"], [0, 1, "s"]];
  const [, unit, name] = units.find(([least]) => seconds >= least) ?? units.at(-1);
  return `${Math.round(seconds / unit).toLocaleString()} ${name}`;
}

export const number = (value) => Number(value).toLocaleString();

/** 0.934 → "93 %"; small ones keep a digit. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const hundred = share * 100;
  return `${hundred > 0 && hundred < 1 ? hundred.toFixed(1) : Math.round(hundred)} %`;
}

/** "1 in 3,200" of a tail probability. */
export function oneIn(p) {
  if (p === null || p === undefined || p <= 0) return "–";
  const times = 1 / p;
  if (times >= 1e6) return `1 in 10^${Math.round(Math.log10(times))}`;
  return `1 in ${Number(times.toPrecision(2)).toLocaleString()}`;
}

export const bytes = (count) =>
  count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : count >= 2 ** 20 ? `${(count / 2 ** 20).toFixed(1)} MiB` : `${Math.ceil(count / 1024)} KiB`;
