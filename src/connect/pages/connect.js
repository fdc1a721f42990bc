// Improves what works without it: copying, checks that renew themselves, a verdict while an ARN is typed.
"use strict";
(() => {
  const line = document.getElementById("say");
  const say = (text) => { line.textContent = text; };

  const ready = (root) => {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const label = button.firstChild;
    // Kept, since of two clicks the second one finds what the first one has put there.
    button.dataset.word ??= label.data;
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Without permission, or over plain http: select it, so that a key press copies it.
      getSelection().selectAllChildren(source);
      done = document.execCommand("copy");
    }
    label.data = done ? line.dataset.copied : line.dataset.selected;
    say(label.data);
    setTimeout(() => { label.data = button.dataset.word; }, 2000);
  });

  // Checks: the same page is asked for again, and what changed in it is put in place. What came last is kept as
  // it came: the page itself has changed since, by its copy buttons, and what is the same keeps its focus.
  const came = new Map();
  const lively = (page) => page.querySelectorAll("[data-live], .check");
  for (const part of lively(document)) came.set(part.id, part.outerHTML);
  ready(document);
  const put = (old, now) => {
    if (came.get(old.id) === now.outerHTML) return "";
    came.set(old.id, now.outerHTML);
    const state = now.matches(".check") && old.className !== now.className ? now.querySelector("h3").textContent : "";
    old.className = now.className;
    old.replaceChildren(...now.childNodes);
    ready(old);
    return state;
  };
  const running = () => document.querySelector("[data-running]");
  const renew = async () => {
    let wait = 1000;
    while (running()) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (document.hidden) continue;
      try {
        const answer = await fetch(location.pathname, { cache: "no-store", credentials: "same-origin" });
        if (answer.status === 429 || answer.status >= 500) throw answer;
        if (!answer.ok || answer.redirected) return location.reload();
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!page.getElementById("live")) return location.reload();
        if (!page.querySelector("[data-running]")) running().removeAttribute("data-running");
        document.title = page.title;
        const news = [];
        for (const now of lively(page)) {
          const old = document.getElementById(now.id);
          if (old) news.push(put(old, now));
        }
        const told = news.filter(Boolean).join(". ");
        if (told) say(told);
        wait = 1000;
      } catch {
        wait = Math.min(wait * 2, 15000);
      }
    }
  };
  renew();

  // The ARN: the server judges it by the rules that hold when it is sent.
  const field = document.querySelector("[data-verdict]");
  if (field) {
    const verdict = document.getElementById("role-verdict");
    let timer, asked = 0;
    const show = (fine, text) => {
      verdict.replaceChildren(...text.split("`").map((piece, at) =>
        at % 2 ? Object.assign(document.createElement("code"), { textContent: piece }) : piece));
      verdict.classList.toggle("fine", fine);
      if (fine) field.removeAttribute("aria-invalid");
      else field.setAttribute("aria-invalid", "true");
    };
    const ask = async () => {
      const mine = ++asked;
      if (!field.value) return show(true, "");
      const body = new URLSearchParams(new FormData(field.form));
      try {
        const answer = await fetch(field.dataset.verdict, { method: "POST", body, cache: "no-store", credentials: "same-origin" });
        if (!answer.ok || mine !== asked) return;
        const { ok, message } = await answer.json();
        show(ok, message);
      } catch { /* no verdict now; there is one when the form is sent */ }
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 400); });
  }
})();
