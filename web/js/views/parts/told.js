// @ts-check
import { language } from "../../words.js";
import { html } from "./html.js";

/** A sentence of Python's, which speaks English alone: a screen reader is told so (WCAG 2.2, 3.1.2). @param {{text: string}} props */
export function Told({ text }) {
  return html`<span lang="en">${text}</span>`;
}

/**
 * A sentence of Python's under its gist in the reader's own language, where that is another.
 *
 * @param {{gist: string, text: string, class: string}} props
 */
export function ToldInShort({ gist, text, class: look }) {
  if (language() === "en") return html`<p class=${look}>${text}</p>`;
  return html`<p class=${look}>${gist}</p><p><${Told} text=${text} /></p>`;
}
