// @ts-check
import { t } from "../../words.js";
import { html } from "../parts/html.js";

export function Settings() {
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Settings`}</h1>
          <p>${t`How this page looks, speaks and keeps your keys.`}</p></div>
      </header>
    </section>`;
}
