/* Command palette: Ctrl/⌘ K opens it, htmx fetches the results, arrow keys move through them. */

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input[type=search]");

function items() {
  return [...dialog.querySelectorAll("#palette-results a[href]")];
}

function move(step) {
  const links = items();
  if (!links.length) return;
  const index = links.indexOf(document.activeElement) + step;
  if (index < 0) input.focus();
  else links[Math.min(index, links.length - 1)].focus();
}

function show() {
  if (dialog.open) return;
  dialog.showModal();
  input.select();
  input.dispatchEvent(new Event("palette:open", { bubbles: true }));
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else show();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette-open]")) return;
    event.preventDefault();
    show();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move(step);
    } else if (event.key === "Enter" && event.target === input) {
      const first = items()[0];
      if (first) { event.preventDefault(); first.click(); }
    }
  });
}
