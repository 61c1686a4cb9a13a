// Exchanges the token for a session's cookie.
const form = document.getElementById("login");
const said = document.getElementById("said");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  const token = document.getElementById("token").value;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) {
      location.replace("/" + location.hash);
      return;
    }
    const body = await answer.json();
    said.textContent = `${body.error}${body.hint ? `: ${body.hint}` : ""}.`;
  } catch {
    said.textContent = "The daemon does not answer.";
  } finally {
    button.disabled = false;
  }
});
