// @ts-check
/** @import { LedgerEntry } from "../../protocol.js" */
import { relayName } from "../../state/configs.js";
import { providerName } from "../../state/models.js";
import { formatMoment, formatNumber, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Which key went where. @param {{entries: LedgerEntry[] | null}} props */
export function LedgerTable({ entries }) {
  const { model } = useApp();
  return html`
    <section aria-labelledby="ledger-title">
      <h2 id="ledger-title">${t`Where keys went`}</h2>
      <p class="hint">${t`Every address that was sent a key of yours, written down before it was sent. The keys themselves are not in it.`}</p>
      ${entries && entries.length === 0 && html`<p class="hint">${t`No key was sent anywhere yet.`}</p>`}
      ${entries && entries.length > 0 && html`
        <div class="table-frame" tabindex="0" role="group" aria-labelledby="ledger-title">
          <table class="figures-table wide">
            <thead><tr>
              <th scope="col">${t`Key of`}</th><th scope="col">${t`Went to`}</th><th scope="col">${t`Through`}</th>
              <th scope="col">${t`First`}</th><th scope="col">${t`Last`}</th><th scope="col">${t`Times`}</th>
            </tr></thead>
            <tbody>
              ${entries.map(({ provider, destination, relay, first, last, count }) => html`
                <tr key=${`${provider} ${destination} ${relay}`}>
                  <th scope="row">${providerName(model.modelGroups.value, provider)}</th>
                  <td dir="ltr">${destination}</td>
                  <td>${relay === null ? t`direct` : relayName(model.config.value, relay)}</td>
                  <td>${formatMoment(first * 1000)}</td>
                  <td>${formatMoment(last * 1000)}</td>
                  <td>${formatNumber(count)}</td>
                </tr>`)}
            </tbody>
          </table>
        </div>`}
    </section>`;
}
