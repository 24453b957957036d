// @ts-check
import { COPIED_FOR_MS, copied } from "../clipboard.js";
import { t } from "../words.js";

/**
 * @param {string} language
 * @param {string} text
 * @returns {Element}
 */
export function codeBlock(language, text) {
  const code = document.createElement("code");
  code.textContent = text;
  // Code is read from the left in every language.
  const pre = document.createElement("pre");
  pre.dir = "ltr";
  pre.dataset.language = language;
  pre.tabIndex = 0;
  pre.append(code);
  const label = document.createElement("span");
  label.textContent = language || t`text`;
  const head = document.createElement("div");
  head.className = "code-head";
  head.append(label);
  const block = document.createElement("div");
  block.className = "code-block";
  block.append(head, pre);
  return block;
}

/**
 * Colours the code and offers to copy it, once all of it is there.
 *
 * @param {Element} block
 */
export function finishCodeBlock(block) {
  const code = /** @type {HTMLElement} */ (block.querySelector("code"));
  block.querySelector(".code-head")?.append(copyButton(code));
  const { language } = /** @type {HTMLElement} */ (code.parentElement).dataset;
  if (language) whenIdle(() => colour(code, language));
}

/**
 * @param {HTMLElement} code
 * @param {string} language
 */
async function colour(code, language) {
  const { highlight } = await import("./highlighting.js");
  highlight(code, language.toLowerCase());
}

/** @param {() => void} work */
function whenIdle(work) {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work);
}

/** @param {HTMLElement} code */
function copyButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = t`Copy`;
  button.addEventListener("click", async () => {
    button.textContent = (await copied(code.textContent ?? "")) ? t`Copied` : t`Select it and press Ctrl+C`;
    setTimeout(() => { button.textContent = t`Copy`; }, COPIED_FOR_MS);
  });
  return button;
}
