// @ts-check
/**
 * @import { Attempt } from "../../protocol.js"
 * @import { Pair } from "../../state/insights.js"
 */
import { compared, failures, firstToken, speed, spend } from "../../state/insights.js";
import { formatDuration, formatMoney, formatNumber, t } from "../../words.js";
import { html } from "../parts/html.js";

/** @param {{attempts: Attempt[]}} props */
export function Summary({ attempts }) {
  /** @param {Attempt[]} some */
  const count = (some) => some.length;
  return html`
    <div class="table-frame" tabindex="0" role="group" aria-label=${t`Direct against relay`}>
      <table class="figures-table">
        <caption class="unseen">${t`Direct against relay`}</caption>
        <thead><tr><td></td><th scope="col">${t`Direct`}</th><th scope="col">${t`Relay`}</th></tr></thead>
        <tbody>
          <${Row} name=${t`Attempts`} pair=${compared(attempts, count)} write=${formatNumber} />
          <${Row} name=${t`Failures`} pair=${compared(attempts, failures)} write=${formatNumber} />
          <${Row} name=${t`First token, median`} pair=${compared(attempts, firstToken)} write=${formatDuration} />
          <${Row} name=${t`Tokens per second`} pair=${compared(attempts, speed)}
            write=${(/** @type {number} */ value) => formatNumber(value, { maximumFractionDigits: 1 })} />
          <${Row} name=${t`Spend`} pair=${compared(attempts, spend)} write=${formatMoney} />
        </tbody>
      </table>
    </div>`;
}

/** @param {{name: string, pair: Pair, write: (value: number) => string}} props */
function Row({ name, pair, write }) {
  /** @param {number | null} value */
  const cell = (value) => html`<td>${value === null ? html`<span aria-hidden="true">–</span><span class="unseen">${t`not known`}</span>` : write(value)}</td>`;
  return html`<tr><th scope="row">${name}</th>${cell(pair.direct)}${cell(pair.relay)}</tr>`;
}
