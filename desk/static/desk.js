// Every page works without this: it copies accounts, and keeps lists fresh without touching what is being typed.
(() => {
  document.querySelector(".notice[role=alert]")?.focus();

  // Copying. Where the clipboard is not offered (plain http), the text is selected and copied the old way.
  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const box = document.createElement("textarea");
      box.value = button.dataset.copy;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
      button.focus();
    }
    const words = button.textContent;
    button.textContent = button.dataset.done;
    document.getElementById("fresh").textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 2000);
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }

  // Refreshing. [data-live] is replaced when it changed; in [data-items] children come and go by id, forms stay.
  const main = document.querySelector("main[data-every]");
  if (!main) return;
  const every = main.dataset.every * 1000;
  const fresh = document.getElementById("fresh");
  const clock = () => new Date().toTimeString().slice(0, 5);
  let at = main.dataset.now || clock();
  let timer;

  const patch = (page) => {
    for (const next of page.querySelectorAll("[data-items]")) {
      const here = document.getElementById(next.id);
      const wanted = new Set([...next.children].map((child) => child.id));
      for (const child of [...here.children]) if (!wanted.has(child.id)) child.remove();
      for (const child of [...next.children].reverse()) if (!document.getElementById(child.id)) here.prepend(child.cloneNode(true));
    }
    for (const next of page.querySelectorAll("[data-live]")) {
      const here = document.getElementById(next.id);
      if (here.innerHTML === next.innerHTML) continue;
      const focused = here.contains(document.activeElement) ? document.activeElement.id : "";
      here.innerHTML = next.innerHTML;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), 5000);
    try {
      const answer = await fetch(location.href.split("#")[0] + (location.search ? "&" : "?") + "refresh=1", { cache: "no-store", signal: stop.signal });
      if (answer.redirected) return location.reload(); // the session ended
      if (!answer.ok) throw new Error(answer.status);
      patch(new DOMParser().parseFromString(await answer.text(), "text/html"));
      at = clock();
      if (fresh.classList.contains("stale")) fresh.textContent = "";
      fresh.classList.remove("stale");
    } catch {
      const words = fresh.dataset.stale.replace("{}", at);
      if (fresh.textContent !== words) fresh.textContent = words;
      fresh.classList.add("stale");
    } finally {
      clearTimeout(late);
    }
    timer = setTimeout(look, every);
  };

  document.addEventListener("visibilitychange", look);
  timer = setTimeout(look, every);
})();
