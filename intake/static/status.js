// Asks for this page again every 5 s and swaps <main> when something changed. Plain old script: a WeChat page must run it.
(function () {
  try { localStorage.removeItem("stopline-draft"); } catch (e) { /* none is kept here */ }
  var EVERY = 5000;
  var fresh = document.getElementById("fresh");
  var at = fresh.getAttribute("data-at");
  var tag = null; // kept here: the page is no-store, so the browser keeps none
  var timer = null;

  function all(root, what) { return Array.prototype.slice.call(root.querySelectorAll(what)); }

  function say(words, stale) {
    if (fresh.textContent !== words) fresh.textContent = words;
    fresh.className = stale ? "stale" : "";
  }

  function stateOf(task) { return task && task.querySelector(".state").textContent; }

  // What somebody has opened stays open, and what they have typed there stays typed.
  function keepOpen(main, next) {
    var fields = all(next, "input, textarea, select");
    all(main, "input, textarea, select").forEach(function (field, n) {
      if (!fields[n] || fields[n].name !== field.name) return;
      if (field.type === "radio" || field.type === "checkbox") fields[n].checked = field.checked;
      else if (field.type !== "hidden") fields[n].value = field.value;
    });
    var boxes = all(next, "details");
    all(main, "details").forEach(function (box, n) { if (box.open && boxes[n]) boxes[n].open = true; });
  }

  function swap(html) {
    var page = new DOMParser().parseFromString(html, "text/html");
    var next = page.querySelector("main");
    var main = document.querySelector("main");
    if (!next) throw new Error("no page");
    at = page.getElementById("fresh").getAttribute("data-at");
    var focusable = "a, button, input, textarea, summary";
    var focused = all(main, focusable).indexOf(document.activeElement);
    var changed = false;
    all(next, ".tasks li").forEach(function (task) {
      if (stateOf(document.getElementById(task.id)) === stateOf(task)) return;
      task.className += " new";
      changed = true;
    });
    keepOpen(main, next);
    main.parentNode.replaceChild(next, main);
    var again = focused >= 0 && all(next, focusable)[focused];
    if (again) again.focus({ preventScroll: true });
    return changed;
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(look, EVERY);
  }

  function lost() {
    say(fresh.getAttribute("data-stale").replace("{}", at), true);
    later();
  }

  function look() {
    if (document.hidden) return later();
    var call = new XMLHttpRequest();
    call.open("GET", location.href);
    call.timeout = EVERY;
    if (tag) call.setRequestHeader("If-None-Match", tag);
    call.onerror = call.ontimeout = lost;
    call.onload = function () {
      if (call.status === 404 || call.status === 410) return location.reload();
      if (call.status !== 304 && call.status !== 200) return lost();
      var changed = false;
      try {
        if (call.status === 200) changed = swap(call.responseText);
      } catch (e) {
        return lost();
      }
      if (call.status === 200) tag = call.getResponseHeader("ETag");
      say(changed ? fresh.getAttribute("data-new") : "", false);
      later();
    };
    call.send();
  }

  document.addEventListener("visibilitychange", function () { if (!document.hidden) look(); });
  later();
})();
