// The form works without this: it words one label after the channel, swallows a second tap, keeps a draft for 30
// minutes on this phone, and sends again when the network is back. Plain old script: a WeChat page must run it.
(function () {
  var form = document.querySelector("form[action$=report]");
  var button = form.querySelector("button");
  var account = form.elements.payee_account;
  var label = document.querySelector("label[for=payee_account]");
  var shared = document.getElementById("shared");
  var KEEP = "stopline-draft";
  var LIFE = 30 * 60 * 1000;
  var words = button.textContent;
  var sending = false;

  function name() {
    var chosen = form.querySelector("[name=channel]:checked");
    if (chosen) label.textContent = account.getAttribute("data-" + chosen.value);
  }
  function forget() {
    try { localStorage.removeItem(KEEP); } catch (e) { /* none can be kept here */ }
  }
  function keep() {
    if (shared.checked) return forget();
    var typed = {};
    Array.prototype.forEach.call(form.elements, function (it) {
      if (!it.name || it.name === "lang") return;
      if (it.type === "radio" || it.type === "checkbox") { if (it.checked) typed[it.name] = it.value; }
      else typed[it.name] = it.value;
    });
    try { localStorage.setItem(KEEP, JSON.stringify({ at: Date.now(), typed: typed })); } catch (e) { /* as above */ }
  }
  function restore() {
    var draft = null;
    try { draft = JSON.parse(localStorage.getItem(KEEP)); } catch (e) { /* as above */ }
    if (!draft || Date.now() - draft.at > LIFE) return forget();
    Array.prototype.forEach.call(form.elements, function (it) {
      var value = draft.typed[it.name];
      if (value === undefined) return;
      if (it.type === "radio" || it.type === "checkbox") it.checked = it.value === value;
      else it.value = value;
    });
  }
  function ready() {
    sending = false;
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  }
  function send() {
    sending = true;
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.getAttribute("data-busy");
    setTimeout(ready, 8000); // a send that hangs may be tried again: the key makes it one report
  }

  shared.parentNode.parentNode.hidden = false;
  if (!document.querySelector("[role=alert]")) restore();
  name();
  form.addEventListener("input", keep);
  form.addEventListener("change", function () { name(); keep(); });
  if (document.querySelector("[role=alert]")) document.querySelector("[role=alert]").focus();

  form.addEventListener("submit", function (event) {
    if (sending) return event.preventDefault();
    if (navigator.onLine === false) { // the page stays; it is sent when the network is back
      event.preventDefault();
      sending = true;
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.getAttribute("data-wait");
      addEventListener("online", function again() {
        removeEventListener("online", again);
        send();
        form.submit();
      });
      return;
    }
    send();
  });
  addEventListener("pageshow", ready);
})();
