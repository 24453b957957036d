// @ts-check
/** @import { Attempt } from "../../protocol.js" */
import { failuresByKind } from "../../state/insights.js";
import { outcomeName } from "../../state/outcomes.js";
import { formatNumber, t } from "../../words.js";
import { html } from "../parts/html.js";

/** @param {{attempts: Attempt[]}} props */
export function FailureTable({ attempts }) {
  const kinds = failuresByKind(attempts);
  const most = Math.max(...kinds.map(({ direct, relay }) => direct + relay));
  return html`
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">${t`What failed`}</h2>
      ${kinds.length === 0 && html`<p class="hint">${t`Nothing failed in this time.`}</p>`}
      ${kinds.length > 0 && html`
        <div class="table-frame" tabindex="0" role="group" aria-labelledby="failures-title">
          <table class="figures-table wide">
            <thead><tr><th scope="col">${t`How it ended`}</th><th scope="col">${t`Direct`}</th><th scope="col">${t`Relay`}</th><td></td></tr></thead>
            <tbody>
              ${kinds.map(({ outcome, direct, relay }) => html`
                <tr key=${outcome}>
                  <th scope="row">${outcomeName(outcome)}</th>
                  <td>${formatNumber(direct)}</td>
                  <td>${formatNumber(relay)}</td>
                  <td class="bar-cell" aria-hidden="true"><meter min="0" max=${most} value=${direct + relay}></meter></td>
                </tr>`)}
            </tbody>
          </table>
        </div>`}
    </section>`;
}
