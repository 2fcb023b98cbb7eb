// The form works without this: it words one label after the channel, and swallows a second tap.
(() => {
  const form = document.querySelector("form");
  const button = form.querySelector("button");
  const account = form.elements.payee_account;
  const label = account.labels[0];
  const name = () => {
    const words = account.dataset[form.elements.channel.value];
    if (words) label.textContent = words;
  };
  form.addEventListener("change", name);
  name();
  document.querySelector("[role=alert]")?.focus();

  const words = button.textContent;
  const ready = () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  };
  form.addEventListener("submit", (event) => {
    if (button.hasAttribute("aria-disabled")) return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
    setTimeout(ready, 8000); // a send that hangs may be tried again: the key makes it one report
  });
  addEventListener("pageshow", ready);
})();
