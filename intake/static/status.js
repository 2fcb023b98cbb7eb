// Asks for this page again every 5 s and swaps <main> when something changed.
(() => {
  try { localStorage.removeItem("stopline-draft"); } catch { /* none is kept here */ }
  const EVERY = 5000;
  const fresh = document.getElementById("fresh");
  let at = fresh.dataset.at;
  let tag = null; // kept here: the page is no-store, so the browser keeps none
  let timer;

  const say = (words, stale) => {
    if (fresh.textContent !== words) fresh.textContent = words;
    fresh.classList.toggle("stale", stale);
  };

  const swap = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const next = page.querySelector("main");
    const main = document.querySelector("main");
    if (!next) throw new Error("no page");
    at = page.getElementById("fresh").dataset.at;
    if (next.innerHTML === main.innerHTML) return false;
    const focused = [...main.querySelectorAll("a")].indexOf(document.activeElement);
    let changed = false;
    for (const task of next.querySelectorAll(".tasks li")) {
      const before = document.getElementById(task.id);
      if (before?.querySelector(".state").textContent === task.querySelector(".state").textContent) continue;
      task.classList.add("new");
      changed = true;
    }
    main.replaceWith(next);
    if (focused >= 0) next.querySelectorAll("a")[focused]?.focus({ preventScroll: true });
    return changed;
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden || document.querySelector("details[open]")) {
      timer = setTimeout(look, EVERY);
      return;
    }
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), EVERY);
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", signal: stop.signal });
      if (answer.status === 404 || answer.status === 410) return location.reload();
      let changed = false;
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(answer.status);
        changed = swap(await answer.text());
        tag = answer.headers.get("ETag");
      }
      say(changed ? fresh.dataset.new : "", false);
    } catch {
      say(fresh.dataset.stale.replace("{}", at), true);
    } finally {
      clearTimeout(late);
    }
    timer = setTimeout(look, EVERY);
  };

  document.addEventListener("visibilitychange", look);
  timer = setTimeout(look, EVERY);
})();
