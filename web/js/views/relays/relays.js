// @ts-check
/**
 * @import { RelayTest } from "../../model.js"
 * @import { Relay } from "../../protocol.js"
 */
import { providerName } from "../../state/models.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";
import { SealingFacts } from "./sealing.js";

export function Relays() {
  const { model } = useApp();
  const { relays } = model.config.value;
  const add = () => { model.dialog.value = { kind: "relay", id: null }; };
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">Relays</h1>
          <p>A relay is a small server of your own that carries calls to providers which refuse browsers.</p></div>
        <button type="button" class="primary" onClick=${add}><${PlusIcon} /> Add relay</button>
      </header>
      ${relays.length
        ? html`<ul class="cards">${relays.map((relay) => html`<${RelayCard} key=${relay.id} relay=${relay} />`)}</ul>`
        : html`<${NoRelay} />`}
    </section>`;
}

function NoRelay() {
  return html`
    <div class="nothing">
      <p>No relay yet. Providers that answer browsers need none.</p>
      <p>To start one on this computer, run <code>sidestep-relay serve</code> and open the pairing link it prints.</p>
    </div>`;
}

/** @param {{relay: Relay}} props */
function RelayCard({ relay }) {
  const { model, actions } = useApp();
  const { id, name, url } = relay;
  const test = model.relayTests.value[id];
  const problems = model.problems.value.filter(({ item }) => item === id);
  return html`
    <li class="card">
      <div class="card-head"><h2>${name || url}</h2></div>
      <p class="address">${url}</p>
      ${problems.map(({ message }) => html`<p class="problem">${message}</p>`)}
      <${SealingFacts} relay=${relay} />
      <${Consents} relay=${relay} />
      ${test && html`<${TestResult} test=${test} />`}
      <div class="card-actions">
        <button type="button" aria-label=${`Test ${name}`} disabled=${test?.state === "testing"}
          onClick=${() => actions.settings.testRelay(id)}>Test</button>
        <button type="button" aria-label=${`Edit ${name}`}
          onClick=${() => { model.dialog.value = { kind: "relay", id }; }}>Edit</button>
        <button type="button" class="quiet danger" aria-label=${`Remove ${name}`}
          onClick=${() => actions.reported(actions.settings.removeRelay(id))}>Remove</button>
      </div>
    </li>`;
}

/** @param {{relay: Relay}} props */
function Consents({ relay }) {
  const { model, actions } = useApp();
  const mine = model.config.value.consents.filter((consent) => consent.relay === relay.id);
  if (!mine.length) return html`<p class="facts">Sees no provider's key. You are asked when one is needed.</p>`;
  return html`
    <ul class="consents" aria-label="May see the keys of">
      ${mine.map((consent) => {
        const name = consent.provider === "*" ? "every provider" : providerName(model.modelGroups.value, consent.provider);
        return html`
          <li key=${consent.provider}>May see the key of <strong>${name}</strong>
            <button type="button" class="link" aria-label=${`Revoke for ${name}`}
              onClick=${() => actions.settings.revoke(consent)}>Revoke</button></li>`;
      })}
    </ul>`;
}

/** @param {{test: RelayTest}} props */
function TestResult({ test }) {
  if (test.state === "testing") return html`<p class="facts" role="alert">Testing…</p>`;
  if (test.state === "failed") return html`<p class="problem" role="alert">${test.message} ${test.remedy}</p>`;
  return html`
    <p class="good" role="alert">It answers: version ${test.version}, ${Math.round(test.latency)} ms${
      test.providers.length > 0 && `, knows ${test.providers.length} providers`}.${
      test.isKeyNew && " It has a new sealing key: pair it again before the old one ends."}</p>`;
}
