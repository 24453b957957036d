// @ts-check
/** @import { ComponentChildren } from "preact" */
import { html } from "../parts/html.js";

/** @param {{id: string, title: string, children: ComponentChildren}} props */
export function Section({ id, title, children }) {
  return html`
    <section class="setting" aria-labelledby="setting-${id}">
      <h2 id="setting-${id}">${title}</h2>
      <div class="setting-body">${children}</div>
    </section>`;
}
