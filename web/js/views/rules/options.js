// @ts-check
import { optionsOf, problemsBelow } from "../../state/policies.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { SelectInput } from "../parts/inputs.js";
import { Switch } from "../parts/switch.js";

const LIFETIMES = () => [
  { value: "3600", name: t`1 hour` }, { value: "86400", name: t`1 day` }, { value: "604800", name: t`7 days` },
  { value: "2592000", name: t`30 days` },
];

export function Options() {
  const { model, actions } = useApp();
  const { shares_requests: shares, caches_answers: caches, cache_lifetime: lifetime } = optionsOf(model.config.value);
  const problems = problemsBelow(model.problems.value, "/options");
  const change = actions.policies.changeOptions;
  return html`
    <section class="page-part" aria-labelledby="options-title">
      <h2 id="options-title">${t`Options`}</h2>
      <div class="card options">
        <${SwitchRow} id="shares-requests" label=${t`Share identical requests`} checked=${shares === true}
          meaning=${t`Identical requests that are under way share one call, and one bill.`}
          onChange=${(/** @type {boolean} */ on) => change({ shares_requests: on })} />
        <${SwitchRow} id="caches-answers" label=${t`Keep answers`} checked=${caches === true}
          meaning=${t`The answer to the very same request is given again from this browser, and marked as kept.`}
          onChange=${(/** @type {boolean} */ on) => change({ caches_answers: on })} />
        <${SelectInput} name="/cache_lifetime" label=${t`Keep them for`} value=${String(lifetime)}
          options=${lifetimes(lifetime)} problems=${problems} disabled=${caches !== true}
          hint=${t`After that the provider is asked again.`}
          onChange=${(/** @type {string} */ seconds) => change({ cache_lifetime: Number(seconds) })} />
        ${problems.filter(({ field }) => field !== "/cache_lifetime").map(({ message }) => html`
          <p class="problem">${message}</p>`)}
      </div>
    </section>`;
}

/**
 * @param {{id: string, label: string, meaning: string, checked: boolean, onChange: (checked: boolean) => void}} props
 */
function SwitchRow({ id, label, meaning, checked, onChange }) {
  return html`
    <div class="option">
      <div><label for=${id}>${label}</label><p class="hint">${meaning}</p></div>
      <${Switch} id=${id} checked=${checked} onChange=${onChange} />
    </div>`;
}

/** @param {number} lifetime */
function lifetimes(lifetime) {
  const isListed = LIFETIMES().some(({ value }) => value === String(lifetime));
  return isListed ? LIFETIMES() : [{ value: String(lifetime), name: t`${lifetime} seconds` }, ...LIFETIMES()];
}
