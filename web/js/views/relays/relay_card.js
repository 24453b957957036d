// @ts-check
/**
 * @import { RelayTest } from "../../model.js"
 * @import { Relay } from "../../protocol.js"
 * @import { Grade } from "../../state/statuses.js"
 */
import { providerName } from "../../state/models.js";
import { describeLimits } from "../../state/relay_limits.js";
import { formatDuration, formatMoment, t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { DownIcon, UpIcon } from "../parts/icons.js";
import { StatusMark } from "../parts/status_mark.js";
import { Told } from "../parts/told.js";
import { SealingFacts } from "./sealing.js";

/** @param {{relay: Relay, position: number, isLast: boolean}} props */
export function RelayCard({ relay, position, isLast }) {
  const { model, actions } = useApp();
  const { id, url } = relay;
  const name = relay.name || url;
  const test = model.relayTests.value[id];
  const problems = model.problems.value.filter(({ item }) => item === id);
  return html`
    <li class="card">
      <div class="card-head"><h2>${name}</h2><${StatusMark} ...${statusOf(test)} /></div>
      <p class="address" dir="ltr">${url}</p>
      ${problems.map(({ message }) => html`<p class="problem">${message}</p>`)}
      <${SealingFacts} relay=${relay} />
      <${Consents} relay=${relay} />
      <div aria-live="polite"><${TestResult} test=${test} id=${id} /></div>
      <div class="card-actions">
        <button type="button" aria-label=${t`Test ${name}`} disabled=${test?.state === "testing"}
          onClick=${() => actions.settings.testRelay(id)}>${t`Test`}</button>
        <button type="button" aria-label=${t`Edit ${name}`}
          onClick=${() => { model.dialog.value = { kind: "relay", id }; }}>${t`Edit`}</button>
        <button type="button" class="quiet danger" aria-label=${t`Remove ${name}`}
          onClick=${() => actions.reported(actions.settings.removeRelay(id))}>${t`Remove`}</button>
        ${(position > 0 || !isLast) && html`
          <span class="moves">
            <button type="button" class="quiet square" aria-label=${t`Move ${name} up`} aria-disabled=${position === 0}
              onClick=${() => actions.settings.moveRelay(position, position - 1)}><${UpIcon} /></button>
            <button type="button" class="quiet square" aria-label=${t`Move ${name} down`} aria-disabled=${isLast}
              onClick=${() => actions.settings.moveRelay(position, position + 1)}><${DownIcon} /></button>
          </span>`}
      </div>
    </li>`;
}

/**
 * @param {RelayTest | undefined} test
 * @returns {{grade: Grade, words: string}}
 */
function statusOf(test) {
  if (test?.state === "ok") return { grade: "good", words: t`Answers` };
  if (test?.state === "failed") return { grade: "bad", words: t`Does not answer` };
  return { grade: "unknown", words: test ? t`Being tested` : t`Not tested yet` };
}

/** @param {{test: RelayTest | undefined, id: string}} props */
function TestResult({ test, id }) {
  const { model } = useApp();
  if (!test) return null;
  if (test.state === "testing") return html`<p class="facts">${t`Testing…`}</p>`;
  if (test.state === "failed") {
    return html`
      <p class="problem"><${Told} text=${`${test.message} ${test.remedy}`} /></p>
      <button type="button" class="link" onClick=${() => { model.dialog.value = { kind: "relay", id }; }}>
        ${t`Check its address and token`}</button>`;
  }
  const limits = describeLimits(test.limits);
  return html`
    <p class="good">${t`It answers: version ${test.version}, ${formatDuration(test.latency)}, at ${formatMoment(test.at)}.`}</p>
    <p class="facts">${tn(test.providers.length, "It knows {0} provider.", "It knows {0} providers.")}
      ${limits.length > 0 && ` ${t`Your token may have ${limits.join(", ")}.`}`}</p>
    ${test.isKeyNew && html`<p class="problem">${t`It has a new sealing key: pair it again before the old one ends.`}</p>`}`;
}

/** Whose keys it may see; each is given and taken back here. @param {{relay: Relay}} props */
function Consents({ relay }) {
  const { model, actions } = useApp();
  const { consents, providers } = model.config.value;
  const mine = consents.filter((consent) => consent.relay === relay.id);
  const isForAll = mine.some(({ provider }) => provider === "*");
  const others = providers.filter(({ id }) => !isForAll && !mine.some(({ provider }) => provider === id));
  /** @param {string} id */
  const nameOf = (id) => (id === "*" ? t`every provider` : providerName(model.modelGroups.value, id));
  return html`
    ${mine.length
      ? html`
        <ul class="consents" aria-label=${t`May see the keys of`}>
          ${mine.map((consent) => html`
            <li key=${consent.provider}>${t`May see the key of ${nameOf(consent.provider)}.`}${" "}
              <button type="button" class="link" aria-label=${t`Revoke for ${nameOf(consent.provider)}`}
                onClick=${() => actions.settings.revoke(consent)}>${t`Revoke`}</button></li>`)}
        </ul>`
      : html`<p class="facts">${t`Sees no provider's key. You are asked when one is needed.`}</p>`}
    ${others.length > 0 && html`
      <details class="facts"><summary>${t`Allow it more`}</summary>
        <ul class="consents">
          ${others.map(({ id }) => html`
            <li key=${id}><button type="button" class="link" onClick=${() => actions.settings.grant({ relay: relay.id, provider: id })}>
              ${t`Let it see the key of ${nameOf(id)}`}</button></li>`)}
        </ul>
      </details>`}`;
}
