// What must hold before the first paint: the colours and the language that were chosen. No module, so that it runs before
// the page is shown; `preferences.js` has the same names.
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
