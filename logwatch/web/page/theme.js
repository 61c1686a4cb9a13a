// Light or dark: as the system has it, until the button says otherwise.
const NAME = "logwatchd-theme";

export function theme(button) {
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const say = () => {
    button.textContent = dark() ? "Light" : "Dark";
  };
  const kept = read();
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  button.addEventListener("click", () => {
    const now = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = now;
    keep(now);
    say();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
  say();
}

function read() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null; // storage is switched off
  }
}

function keep(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // it holds for this page, then
  }
}
