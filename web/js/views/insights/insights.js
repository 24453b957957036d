// @ts-check
/**
 * @import { Attempt } from "../../protocol.js"
 * @import { InsightFilter } from "../../state/insights.js"
 */
import { useEffect, useState } from "preact/hooks";
import { bucketed, chosen, failures, firstToken, speed, spend } from "../../state/insights.js";
import { formatDuration, formatMoney, formatNumber, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Chart } from "./chart.js";
import { FailureTable } from "./failure_table.js";
import { Filters } from "./filters.js";
import { LedgerTable } from "./ledger_table.js";
import { Summary } from "./summary.js";

const DAY = 24 * 3600;
/** @type {InsightFilter} */
const EVERYTHING = { provider: "", model: "", route: "", span: 7 * DAY };

export function Insights() {
  const { model, actions } = useApp();
  const [filter, setFilter] = useState(EVERYTHING);
  useEffect(() => { void actions.reported(actions.insights.load()); }, []);
  const all = model.attempts.value;
  const now = Date.now() / 1000;
  const shown = all ? chosen(all, filter, now) : [];
  return html`
    <section class="page insights">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Insights`}</h1>
          <p>${t`Measured in this browser and kept in it: how fast each way was, what failed, and what it cost.`}</p></div>
        <button type="button" disabled=${!shown.length} onClick=${() => actions.insights.saveCsv(shown)}>
          ${t`Save as CSV`}</button>
      </header>
      ${all && !all.length && html`
        <p class="nothing">${t`Nothing is measured yet. Every answer adds to it: send a message, then come back.`}</p>`}
      ${all && all.length > 0 && html`
        <${Filters} attempts=${all} filter=${filter} change=${setFilter} />
        <p class="unseen" aria-live="polite">${t`${formatNumber(shown.length)} attempts`}</p>
        ${shown.length ? html`<${Figures} attempts=${shown} span=${filter.span} now=${now} />`
          : html`<p class="nothing">${t`Nothing fits this choice.`}</p>`}`}
      <${LedgerTable} entries=${model.ledger.value} />
    </section>`;
}

/** @param {{attempts: Attempt[], span: number, now: number}} props */
function Figures({ attempts, span, now }) {
  const buckets = bucketed(attempts, span, now);
  return html`
    <${Summary} attempts=${attempts} />
    <div class="charts">
      <${Chart} title=${t`Time to the first token`} buckets=${buckets} figure=${firstToken} write=${formatDuration} />
      <${Chart} title=${t`Tokens per second`} buckets=${buckets} figure=${speed} write=${whole} />
      <${Chart} title=${t`Failures`} buckets=${buckets} figure=${failures} write=${whole} isCount />
      <${Chart} title=${t`Spend`} buckets=${buckets} figure=${spend} write=${formatMoney} isCount />
    </div>
    <${FailureTable} attempts=${attempts} />`;
}

/** @param {number} value */
function whole(value) {
  return formatNumber(value, { maximumFractionDigits: value < 10 ? 1 : 0 });
}
