/* Dialogs: links to a <dialog>'s id open it as a modal; forms with data-confirm ask first. */

function open(dialog) {
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("[autofocus], .window-body :is(input:not([type=hidden]), select, textarea)")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  const dialog = opener && document.getElementById(opener.getAttribute("href")?.slice(1) ?? opener.dataset.dialogOpen);
  if (dialog) {
    event.preventDefault();
    open(dialog);
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer && closer.closest("dialog")?.open) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target instanceof HTMLDialogElement) event.target.close(); // a click on the backdrop
});

/* data-confirm="Question" data-confirm-title="…" data-confirm-label="Disconnect" on a form or its button. */
const confirmed = new WeakSet();

function ask(source, proceed) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("[data-confirm-slot=title]").textContent = source.dataset.confirmTitle || "Are you sure?";
  dialog.querySelector("[data-confirm-slot=text]").textContent = source.dataset.confirm;
  const button = dialog.querySelector("[data-confirm-slot=button]");
  button.textContent = source.dataset.confirmLabel || "Continue";
  button.onclick = () => { dialog.close(); proceed(); };
  open(dialog);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || confirmed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  ask(source, () => { confirmed.add(form); form.requestSubmit(submitter); });
}, true);
