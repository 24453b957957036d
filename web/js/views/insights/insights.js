// @ts-check
import { t } from "../../words.js";
import { html } from "../parts/html.js";

export function Insights() {
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Insights`}</h1>
          <p>${t`How the direct way and the relays compare, and where your keys went.`}</p></div>
      </header>
    </section>`;
}
