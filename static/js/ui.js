/* Small conveniences of the frame. Each page works without this file. */

const YEAR = 365 * 24 * 3600;

/* Theme: a cookie that the server reads, so the next page is right from its first byte. */
function currentTheme() {
  return document.documentElement.dataset.theme || "system";
}

function applyTheme(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  showTheme();
}

function chooseTheme(button) {
  const theme = button.dataset.themeChoice;
  applyTheme(theme);
  const url = button.closest("[data-theme-url]")?.dataset.themeUrl; // signed in: other devices learn of it too
  if (url) window.htmx.ajax("POST", url, { source: button, values: { theme }, swap: "none" });
}

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === currentTheme()));
  }
}

/* Copy: the button names its text (data-copy) or the element that holds it (data-copy-from). */
async function copy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  await navigator.clipboard.writeText(source ? (source.value ?? source.textContent) : button.dataset.copy);
  button.dataset.copied = "";
  announce("Copied");
  setTimeout(() => delete button.dataset.copied, 1600);
}

export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

/* Times: the server wrote them; keep them true while the page stays open. */
const STEPS = [[60, "", 1], [3600, "min", 60], [86400, "h", 3600], [604800, "d", 86400]];

function relative(moment) {
  const seconds = (Date.now() - moment) / 1000;
  const step = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  if (!step) return null;
  const [, unit, size] = step;
  if (!unit) return seconds >= 0 ? "now" : "in a moment";
  const amount = `${Math.floor(Math.abs(seconds) / size)} ${unit}`;
  return seconds >= 0 ? `${amount} ago` : `in ${amount}`;
}

function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const moment = new Date(element.dateTime);
    const text = relative(moment);
    if (text && element.textContent !== text) element.textContent = text;
    element.title = moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
}

/* Menus are <details data-menu>: close on Escape, on a click elsewhere, and when focus leaves. */
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-theme-choice], [data-copy], [data-copy-from], [data-dismiss]");
  closeMenus(event.target);
  if (!target) return;
  if (target.dataset.themeChoice) chooseTheme(target);
  else if ("dismiss" in target.dataset) target.closest("[data-dismissable]")?.remove();
  else copy(target).catch(() => announce("Copying is not possible here. Select the text instead."));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details[data-menu][open]");
  closeMenus();
  menu?.querySelector("summary").focus();
});

document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("htmx:afterSettle", () => { refreshTimes(); showTheme(); });

/* A refusal with a place of its own (a sentence for the list of messages) is shown there. */
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Retarget")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

/* A request that failed without an answer to show must not fail in silence. */
function showMessage(id) {
  const template = document.getElementById(id);
  const list = document.getElementById("messages");
  if (template && list) list.replaceChildren(template.content.cloneNode(true));
}

function showFailure() {
  showMessage("failure-message");
}
document.addEventListener("htmx:responseError", showFailure);
document.addEventListener("htmx:sendError", showFailure);
document.addEventListener("allauth.error", (event) => { event.preventDefault(); showMessage("passkey-message"); });

showTheme();
refreshTimes();
setInterval(refreshTimes, 20_000);
