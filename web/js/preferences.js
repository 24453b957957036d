// @ts-check
/**
 * How the page looks and speaks. In localStorage and not with the other settings, because it must be known before the
 * first paint (`early.js`).
 *
 * @import { Language } from "./words.js"
 *
 * @typedef {"system" | "light" | "dark"} Theme
 * @typedef {{theme: Theme, language: Language | "", hasShortcuts: boolean}} Preferences  an empty language follows the
 *   browser's
 */
import { LANGUAGES, bestLanguage, speak } from "./words.js";

const NAME = "sidestep.preferences";
const THEMES = ["system", "light", "dark"];

/** @returns {Preferences} */
export function readPreferences() {
  /** @type {any} */
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(NAME) ?? "{}") ?? {};
  } catch {
    // As if nothing had been chosen.
  }
  return {
    theme: THEMES.includes(kept.theme) ? kept.theme : "system",
    language: kept.language in LANGUAGES ? kept.language : "",
    hasShortcuts: kept.hasShortcuts !== false,
  };
}

/** @param {Preferences} preferences */
export function savePreferences(preferences) {
  try {
    localStorage.setItem(NAME, JSON.stringify(preferences));
  } catch {
    // They hold until the page is closed.
  }
}

/** @param {Preferences} preferences @returns {Promise<void>} once the page looks and speaks so */
export async function applyPreferences({ theme, language }) {
  const isDark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  const spoken = language || bestLanguage(navigator.languages);
  await speak(spoken);
  document.documentElement.lang = spoken;
}

/** @param {() => void} follow  called when the browser's own wishes change */
export function watchWishes(follow) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
  addEventListener("languagechange", follow);
}
