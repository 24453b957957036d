// @ts-check
/** @import { Classification, Explanation, Provider } from "../../protocol.js" */
import { custodyMeaning, custodyName } from "../../state/custodies.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";

const POLICIES = { auto: "Auto", direct: "Direct only", relay: "Relay only" };

export function Providers() {
  const { model } = useApp();
  const { providers } = model.config.value;
  const add = () => { model.dialog.value = { kind: "provider", id: null }; };
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">Providers</h1>
          <p>The services you have keys for. Calls go straight to them where they allow it.</p></div>
        <button type="button" class="primary" onClick=${add}><${PlusIcon} /> Add provider</button>
      </header>
      ${providers.length
        ? html`<ul class="cards">${providers.map((provider) =>
          html`<${ProviderCard} key=${provider.id} provider=${provider} />`)}</ul>`
        : html`<p class="nothing">No provider yet. Add one with its API key, and its models appear in the chat.</p>`}
    </section>`;
}

/** @param {{provider: Provider}} props */
function ProviderCard({ provider }) {
  const { model, actions } = useApp();
  const { id, kind } = provider;
  const entry = model.catalogue.value.find((candidate) => candidate.id === kind);
  const name = provider.name || entry?.name || id;
  const custody = model.custody.value.providers[id];
  const problems = model.problems.value.filter(({ item }) => item === id);
  return html`
    <li class="card">
      <div class="card-head">
        <h2>${name}</h2>
        <span class="policy">${POLICIES[provider.route]}</span>
      </div>
      <p class="address">${provider.base_url || entry?.base_url}</p>
      <p class="facts">${custody ? t`Key: ${custodyName(custody)}, ${custodyMeaning(custody)}` : t`No key`}</p>
      ${problems.map(({ message }) => html`<p class="problem">${message}</p>`)}
      <${RouteNow} provider=${provider} explanation=${model.explanations.value[id]} />
      <div class="card-actions">
        <button type="button" aria-label=${`Diagnose ${name}`}
          onClick=${() => actions.diagnosis.open(id, null)}>Diagnose</button>
        <button type="button" aria-label=${`Edit ${name}`}
          onClick=${() => { model.dialog.value = { kind: "provider", id }; }}>Edit</button>
        <button type="button" class="quiet danger" aria-label=${`Remove ${name}`}
          onClick=${() => actions.reported(actions.settings.removeProvider(id))}>Remove</button>
      </div>
    </li>`;
}

/** @param {{provider: Provider, explanation: Explanation | undefined}} props */
function RouteNow({ provider, explanation }) {
  const { actions } = useApp();
  if (!explanation?.routes.length) return null;
  const { routes, classification, outage } = explanation;
  const now = routes.find(({ included }) => included);
  const others = routes.filter((route) => route !== now);
  const isDetour = provider.route === "auto" && now?.route.kind !== "direct";
  return html`
    <div class="route-now">
      ${now
        ? html`<p><span class="badge-text" data-kind=${now.route.kind}>${now.route.label}</span> ${now.reason}</p>`
        : html`<p><span class="badge-text" data-kind="none">no way</span> No route can be taken now.</p>`}
      ${outage && html`<p class="problem">It fails by every way since ${clock(outage.since)}: ${outage.reason}</p>`}
      <${Measured} classification=${classification} told=${now?.reason ?? ""} />
      ${others.length > 0 && html`
        <details><summary>Other ways</summary>
          <ul>${others.map(({ route, included, reason }) => html`
            <li><strong>${route.label}</strong> ${included ? "next: " : "not now: "}${reason}</li>`)}</ul>
        </details>`}
      ${isDetour && html`<button type="button" class="link"
        onClick=${() => actions.reported(actions.settings.tryDirectAgain(provider.id))}>Try direct again</button>`}
    </div>`;
}

const WAYS = {
  direct: "Measured: answers this page directly", "relay required": "Measured: needs a relay",
  either: "Measured: answers directly and through a relay", unknown: "Not measured yet",
};

/** @param {{classification: Classification, told: string}} props  `told` stands above it already */
function Measured({ classification: { way, since, basis }, told }) {
  if (since === null) return html`<p class="facts">${WAYS[way]}.</p>`;
  const why = told.includes(basis) ? "" : `: ${basis}`;
  return html`<p class="facts">${WAYS[way]}, since ${clock(since)}${why || "."}</p>`;
}

/**
 * @param {number} seconds since 1970
 * @returns {string} the time of day, with the day where it is another
 */
function clock(seconds) {
  const moment = new Date(seconds * 1000);
  /** @type {Intl.DateTimeFormatOptions} */
  const day = moment.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  return moment.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}
