// @ts-check
/** @import { Classification, Explanation, Provider } from "../../protocol.js" */
import { custodyMeaning, custodyName } from "../../state/custodies.js";
import { statusOf } from "../../state/statuses.js";
import { formatMoment, t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { StatusMark } from "../parts/status_mark.js";
import { Told } from "../parts/told.js";
import { policyName } from "./policy_names.js";
import { RelayOffers } from "./relay_offers.js";

/** @param {{provider: Provider}} props */
export function ProviderCard({ provider }) {
  const { model, actions } = useApp();
  const { id, kind } = provider;
  const entry = model.catalogue.value.find((candidate) => candidate.id === kind);
  const name = provider.name || entry?.name || id;
  const custody = model.custody.value.providers[id];
  const problems = model.problems.value.filter(({ item }) => item === id);
  const lastSuccess = model.overview.value?.providers[id]?.last_success ?? null;
  const status = statusOf({ provider, entry, hasKey: custody !== undefined, isLocked: model.vault.value === "locked", problems,
    explanation: model.explanations.value[id], lastSuccess });
  return html`
    <li class="card">
      <div class="card-head">
        <h2>${name}</h2>
        <${StatusMark} ...${status} />
      </div>
      <p class="address" dir="ltr">${provider.base_url || entry?.base_url}</p>
      <p class="facts"><span class="policy">${policyName(provider.route)}</span>${" · "}${
        custody ? t`Key: ${custodyName(custody)}, ${custodyMeaning(custody)}` : t`No key`}</p>
      ${problems.map(({ message }) => html`<p class="problem">${message}</p>`)}
      <${RouteNow} provider=${provider} explanation=${model.explanations.value[id]} />
      <p class="facts">${lastSuccess === null ? t`No answer yet.` : t`Last answer: ${formatMoment(lastSuccess * 1000)}`}</p>
      <${ModelsLine} provider=${provider} />
      <div class="card-actions">
        <button type="button" aria-label=${t`Test connection of ${name}`}
          onClick=${() => { model.dialog.value = { kind: "trial", provider: id }; }}>${t`Test connection`}</button>
        <button type="button" aria-label=${t`Diagnose ${name}`}
          onClick=${() => actions.diagnosis.open(id, null)}>${t`Diagnose`}</button>
        <button type="button" aria-label=${t`Edit ${name}`}
          onClick=${() => { model.dialog.value = { kind: "provider", id }; }}>${t`Edit`}</button>
        <button type="button" class="quiet danger" aria-label=${t`Remove ${name}`}
          onClick=${() => actions.reported(actions.settings.removeProvider(id))}>${t`Remove`}</button>
      </div>
    </li>`;
}

/** @param {{provider: Provider}} props */
function ModelsLine({ provider: { id } }) {
  const { model } = useApp();
  const count = model.modelGroups.value.find((group) => group.id === id)?.models.length ?? 0;
  const fetched = model.models.value[id]?.fetched_at;
  return html`
    <p class="facts">
      <button type="button" class="link" onClick=${() => { model.dialog.value = { kind: "models", provider: id }; }}>
        ${tn(count, "{0} model", "{0} models")}</button>
      ${fetched ? t`as of ${formatMoment(fetched * 1000)}` : t`from the catalogue`}
    </p>`;
}

/** @param {{provider: Provider, explanation: Explanation | undefined}} props */
function RouteNow({ provider, explanation }) {
  const { actions } = useApp();
  if (!explanation?.routes.length) return null;
  const { routes, classification, outage } = explanation;
  const now = routes.find(({ included }) => included);
  const others = routes.filter((route) => route !== now);
  const isBlocked = classification.way === "relay required" && now?.route.kind !== "relay";
  const isDetour = provider.route === "auto" && now?.route.kind !== "direct";
  return html`
    <div class="route-now">
      ${now
        ? html`<p><span class="badge-text" data-kind=${now.route.kind}>${now.route.label}</span> <${Told} text=${now.reason} /></p>`
        : html`<p><span class="badge-text" data-kind="none">${t`no way`}</span> ${t`No route can be taken now.`}</p>`}
      ${outage && html`
        <p class="problem">${t`It fails by every way since ${formatMoment(outage.since * 1000)}:`} <${Told} text=${outage.reason} /></p>`}
      <${Measured} classification=${classification} told=${now?.reason ?? ""} />
      ${others.length > 0 && html`
        <details><summary>${t`Other ways`}</summary>
          <ul>${others.map(({ route, included, reason }) => html`
            <li><strong>${route.label}</strong> ${included ? t`next:` : t`not now:`} <${Told} text=${reason} /></li>`)}</ul>
        </details>`}
      ${(isBlocked || !now) && html`<${RelayOffers} provider=${provider.id} />`}
      ${provider.route === "relay" && html`<button type="button" class="link"
        onClick=${() => actions.reported(actions.moves.backToDirect(provider.id))}>${t`Back to direct`}</button>`}
      ${isDetour && html`<button type="button" class="link"
        onClick=${() => actions.reported(actions.settings.tryDirectAgain(provider.id))}>${t`Try direct again`}</button>`}
    </div>`;
}

/** @type {Record<Classification["way"], () => string>} */
const WAYS = {
  direct: () => t`Measured: answers this page directly`, "relay required": () => t`Measured: needs a relay`,
  either: () => t`Measured: answers directly and through a relay`, unknown: () => t`Not measured yet`,
};

/** @param {{classification: Classification, told: string}} props  `told` stands above it already */
function Measured({ classification: { way, since, basis }, told }) {
  if (since === null) return html`<p class="facts">${WAYS[way]()}.</p>`;
  return html`
    <p class="facts">${t`${WAYS[way]()}, since ${formatMoment(since * 1000)}`}${told.includes(basis)
      ? "." : html`: <${Told} text=${basis} />`}</p>`;
}
