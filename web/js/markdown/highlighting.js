// @ts-check
/** Loaded only when the first code block is complete: most conversations have none. */
import DOMPurify from "dompurify";
import hljs from "highlight.js";

const LONGEST = 60_000;

/**
 * @param {HTMLElement} code  its text is kept, its mark-up replaced
 * @param {string} language
 */
export function highlight(code, language) {
  const text = code.textContent ?? "";
  if (text.length > LONGEST || !hljs.getLanguage(language)) return;
  const marked = hljs.highlight(text, { language, ignoreIllegals: true }).value;
  const clean = { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_TRUSTED_TYPE: true };
  code.innerHTML = /** @type {any} */ (DOMPurify.sanitize(marked, clean));
}
