// The form works without this: it words one question after the channel, swallows a second tap, keeps a draft for 30
// minutes on this phone, and sends again by itself until somebody answers. Plain old script: a WeChat page must run it.
(function () {
  var form = document.querySelector("form[action$=report]");
  var account = form.elements.payee_account;
  var label = document.querySelector("label[for=payee_account]");
  var hint = document.getElementById("payee_account-hint");
  var shared = document.getElementById("shared");
  var KEEP = "stopline-draft";
  var LIFE = 30 * 60 * 1000;
  var PATIENCE = 10 * 1000;

  function name() {
    var chosen = form.querySelector("[name=channel]:checked");
    if (!chosen) return;
    label.textContent = account.getAttribute("data-" + chosen.value);
    hint.textContent = account.getAttribute("data-hint-" + chosen.value);
  }
  function filled(form) {
    var typed = {};
    Array.prototype.forEach.call(form.elements, function (it) {
      if (!it.name) return;
      if (it.type === "radio" || it.type === "checkbox") { if (it.checked) typed[it.name] = it.value; }
      else typed[it.name] = it.value;
    });
    return typed;
  }
  function forget() {
    try { localStorage.removeItem(KEEP); } catch (e) { /* none can be kept here */ }
  }
  function keep() {
    if (shared.checked) return forget();
    try { localStorage.setItem(KEEP, JSON.stringify({ at: Date.now(), typed: filled(form) })); } catch (e) { /* as above */ }
  }
  function restore() {
    var draft = null;
    try { draft = JSON.parse(localStorage.getItem(KEEP)); } catch (e) { /* as above */ }
    if (!draft || Date.now() - draft.at > LIFE) return forget();
    Array.prototype.forEach.call(form.elements, function (it) {
      var value = draft.typed[it.name];
      if (value === undefined || it.name === "lang") return;
      if (it.type === "radio" || it.type === "checkbox") it.checked = it.value === value;
      else it.value = value;
    });
  }
  // The page stays until somebody has answered. The key makes it one report, however often it is sent.
  function sends(form) {
    var button = form.querySelector("button");
    var words = button.textContent;
    var pause = 1000;
    var again = null;
    var sending = false;

    function say(what) {
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.getAttribute(what);
    }
    function ready() {
      sending = false;
      button.removeAttribute("aria-disabled");
      button.textContent = words;
    }
    function later() {
      say("data-wait");
      again = setTimeout(send, pause);
      pause = Math.min(pause * 2, PATIENCE);
    }
    function send() {
      var call = new XMLHttpRequest();
      var typed = filled(form);
      clearTimeout(again);
      say("data-busy");
      call.open("POST", form.action);
      call.timeout = PATIENCE;
      call.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
      call.onerror = call.ontimeout = later;
      call.onload = function () {
        if (call.status === 503) return later();
        if (call.status === 200 && call.responseURL) {
          forget();
          location.href = call.responseURL;
        } else form.submit(); // the page that says what is wrong is the server's
      };
      call.send(Object.keys(typed).map(function (name) {
        return encodeURIComponent(name) + "=" + encodeURIComponent(typed[name]);
      }).join("&"));
    }

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (sending) return;
      sending = true;
      pause = 1000;
      send();
    });
    addEventListener("online", function () { if (sending && button.textContent !== button.getAttribute("data-busy")) send(); });
    addEventListener("pageshow", ready);
  }

  shared.parentNode.parentNode.hidden = false;
  if (!document.querySelector("[role=alert]")) restore();
  name();
  form.addEventListener("input", keep);
  form.addEventListener("change", function () { name(); keep(); });
  if (document.querySelector("[role=alert]")) document.querySelector("[role=alert]").focus();

  Array.prototype.forEach.call(document.querySelectorAll("main form"), sends);
})();
