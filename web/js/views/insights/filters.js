// @ts-check
/**
 * @import { Attempt } from "../../protocol.js"
 * @import { InsightFilter } from "../../state/insights.js"
 */
import { relayName } from "../../state/configs.js";
import { DIRECT, SPANS } from "../../state/insights.js";
import { providerName } from "../../state/models.js";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { SelectInput } from "../parts/inputs.js";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** @param {{attempts: Attempt[], filter: InsightFilter, change: (filter: InsightFilter) => void}} props */
export function Filters({ attempts, filter, change }) {
  const { model } = useApp();
  const ofProvider = attempts.filter(({ provider }) => !filter.provider || provider === filter.provider);
  const routes = distinct(attempts.map(({ route }) => route)).filter((route) => route !== DIRECT);
  return html`
    <form class="filters" aria-label=${t`What is shown`} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${SelectInput} name="filter-provider" label=${t`Provider`} value=${filter.provider}
        options=${[{ value: "", name: t`All` }, ...distinct(attempts.map(({ provider }) => provider)).map((id) =>
          ({ value: id, name: providerName(model.modelGroups.value, id) }))]}
        onChange=${(/** @type {string} */ provider) => change({ ...filter, provider, model: "" })} />
      <${SelectInput} name="filter-model" label=${t`Model`} value=${filter.model}
        options=${[{ value: "", name: t`All` }, ...distinct(ofProvider.map((attempt) => attempt.model)).map((id) =>
          ({ value: id, name: id }))]}
        onChange=${(/** @type {string} */ chosen) => change({ ...filter, model: chosen })} />
      <${SelectInput} name="filter-route" label=${t`Way`} value=${filter.route}
        options=${[{ value: "", name: t`All` }, { value: DIRECT, name: t`direct` }, { value: "relays", name: t`any relay` },
          ...routes.map((id) => ({ value: id, name: relayName(model.config.value, id) }))]}
        onChange=${(/** @type {string} */ route) => change({ ...filter, route })} />
      <${SelectInput} name="filter-span" label=${t`Time`} value=${String(filter.span)}
        options=${SPANS.map((span) => ({ value: String(span), name: spanName(span) }))}
        onChange=${(/** @type {string} */ span) => change({ ...filter, span: Number(span) })} />
    </form>`;
}

/** @param {number} span  in seconds */
function spanName(span) {
  return span < DAY ? tn(span / HOUR, "Last hour", "Last {0} hours") : tn(span / DAY, "Last 24 hours", "Last {0} days");
}

/** @param {string[]} names */
function distinct(names) {
  return [...new Set(names)].sort();
}
