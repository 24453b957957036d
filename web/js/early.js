// What must hold before the page's modules are there. No module itself, so that it runs before the first paint.

// The colours that were chosen; `preferences.js` has the same names.
(() => {
  /** @type {{theme?: string}} */
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("sidestep.preferences") ?? "{}") ?? {};
  } catch {
    // Without storage, or with something else in it, the browser's own wishes hold.
  }
  const isDark = kept.theme === "dark" || (kept.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
})();

// The first message can be sent at once: it is shown, and `page.js` sends it. A second one waits in the box.
(() => {
  const find = (/** @type {string} */ id) => document.getElementById(`early-${id}`);
  const send = () => {
    const box = /** @type {HTMLTextAreaElement} */ (find("message"));
    const sent = /** @type {HTMLElement} */ (find("sent"));
    if (!box.value.trim() || sent.firstChild) return;
    const item = document.createElement("li");
    item.className = "message user";
    const bubble = document.createElement("div");
    bubble.className = "bubble";
    bubble.dir = "auto";
    bubble.textContent = box.value;
    item.append(bubble);
    sent.append(item);
    box.value = "";
  };
  addEventListener("submit", (event) => {
    if (event.target !== find("composer")) return;
    event.preventDefault();
    send();
  });
  addEventListener("keydown", (event) => {
    if (event.target !== find("message") || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
})();

// While something is pressed, `page.js` does not put the page in this one's place: a click that begins here has to end here.
(() => {
  const { dataset } = document.documentElement;
  addEventListener("pointerdown", () => { dataset.pressed = ""; }, true);
  // The click comes behind it, in the same task.
  const release = () => setTimeout(() => { delete dataset.pressed; dispatchEvent(new Event("released")); });
  addEventListener("pointerup", release, true);
  addEventListener("pointercancel", release, true);
})();

// Without import maps none of the page's modules is loaded, and nobody else could say so.
addEventListener("DOMContentLoaded", () => {
  if (HTMLScriptElement.supports?.("importmap")) return;
  const notice = document.createElement("p");
  notice.className = "notice notice-bad";
  notice.textContent = "This browser is too old for Sidestep: it needs a current Chrome, Edge, Firefox or Safari.";
  document.querySelector("main")?.prepend(notice);
});
