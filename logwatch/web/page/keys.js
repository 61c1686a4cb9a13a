// Keyboard: `g` and a letter go to a view, `/` to the filter, `j` and `k` along the rows, `?` shows all of it.
const PLACES = { o: "#/", i: "#/incidents", r: "#/risk" };
const WITHIN_MS = 1500;

export function keys(dialog, button) {
  let went = 0;
  const help = () => dialog.open || dialog.showModal();
  button.addEventListener("click", help);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target.matches?.("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const going = performance.now() - went < WITHIN_MS;
    went = event.key === "g" ? performance.now() : 0;
    if (going && PLACES[event.key]) location.hash = PLACES[event.key];
    else if (event.key === "?") help();
    else if (event.key === "/") focus(document.querySelector("[data-filter]"));
    else if (event.key === "j" || event.key === "k") along(event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  });
}

function along(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  focus(rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))]);
}

function focus(element) {
  element?.focus();
  element?.select?.();
}
