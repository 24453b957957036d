// @ts-check
/**
 * @import { Failure } from "../../protocol.js"
 * @import { Answer } from "../../state/answers.js"
 * @import { Step } from "../../state/remedies.js"
 */
import { relayName } from "../../state/configs.js";
import { splitModel } from "../../state/models.js";
import { failureInShort } from "../../state/outcomes.js";
import { firstStep, otherSteps, sureness } from "../../state/remedies.js";
import { t } from "../../words.js";
import { useApp } from "./context.js";
import { CopyButton } from "./copy_button.js";
import { useCountdown } from "./countdown.js";
import { html } from "./html.js";
import { Told, ToldInShort } from "./told.js";

/** Up to so many seconds are counted down; what is further off is told by the clock. */
const LONGEST_COUNTDOWN = 120;
const DAY_MS = 24 * 3600 * 1000;

/**
 * What happened, how sure that is, and one thing to do about it.
 *
 * @param {{error: Failure, answer: Answer}} props
 */
export function ErrorCard({ error, answer }) {
  const { model } = useApp();
  // Who was asked in the end: a group or a rule may have put another model in the chosen one's place.
  const askedModel = answer.taken?.model ?? answer.model;
  const { provider } = splitModel(askedModel);
  const hasProvider = model.config.value.providers.some(({ id }) => id === provider);
  const first = firstStep(error, { hasProvider });
  const certainty = sureness(error);
  return html`
    <div class="error-card" role="group" aria-label=${t`What went wrong`}>
      <${ToldInShort} class="error-message" gist=${failureInShort(error.type)} text=${error.message} />
      ${certainty && html`<p class="error-sureness">${certainty}</p>`}
      ${error.remedy && html`<p><${Told} text=${error.remedy} /></p>`}
      ${error.resets_at && html`<${Reset} moment=${Date.parse(error.resets_at)} />`}
      <div class="error-actions">
        <${StepButtons} step=${first} error=${error} answer=${answer} isFirst />
        ${otherSteps(error, first, { hasProvider }).map((step) => html`
          <${StepButtons} key=${step} step=${step} error=${error} answer=${answer} />`)}
      </div>
      <${Details} error=${error} />
    </div>`;
}

/** @param {{step: Step, error: Failure, answer: Answer, isFirst?: boolean}} props */
function StepButtons({ step, error, answer, isFirst = false }) {
  const { model, actions } = useApp();
  const askedModel = answer.taken?.model ?? answer.model;
  const { provider } = splitModel(askedModel);
  /** @param {import("../../model.js").Dialog} dialog */
  const open = (dialog) => () => { model.dialog.value = dialog; };
  /** @type {Record<Step, () => {label: string, press: () => void}[]>} */
  const buttons = {
    allow: () => error.consent_needed.map((relay) => ({
      label: t`Allow ${relayName(model.config.value, relay)} to see this key and retry`, press: () => actions.allowAndRetry(relay, answer) })),
    wait: () => [{ label: t`Try again`, press: () => actions.chat.retry(answer.id, answer.model) }],
    retry: () => [{ label: t`Try again`, press: () => actions.chat.retry(answer.id, answer.model) }],
    settings: () => [{ label: t`Open the provider's settings`, press: open({ kind: "provider", id: provider }) }],
    relays: () => [{ label: t`Look at the relays`, press: () => { location.hash = "#relays"; } }],
    model: () => [{ label: t`Choose another model`, press: () => document.querySelector(/** @type {"input"} */ (".model-box input"))?.click() }],
    add: () => [{ label: t`Add a provider`, press: open({ kind: "provider", id: null }) }],
    diagnose: () => [{ label: t`Diagnose`, press: () => actions.diagnosis.open(askedModel, error) }],
    reload: () => [{ label: t`Reload the page`, press: () => location.reload() }],
  };
  return html`${buttons[step]().map(({ label, press }) => html`
    <button type="button" class=${isFirst ? "primary" : ""} key=${label} onClick=${press}>${label}</button>`)}`;
}

/** @param {{moment: number}} props */
function Reset({ moment }) {
  const seconds = useCountdown(moment);
  if (!seconds) return null;
  // A timer: its seconds are not read aloud one by one.
  return html`<p role="timer">${seconds <= LONGEST_COUNTDOWN ? t`Try again in ${seconds} s.` : t`Try again at ${clockTime(moment)}.`}</p>`;
}

/**
 * @param {number} moment
 * @returns {string} the time of day, with the day where it is not within the next 24 hours
 */
function clockTime(moment) {
  /** @type {Intl.DateTimeFormatOptions} */
  const day = moment - Date.now() > DAY_MS ? { month: "short", day: "numeric" } : {};
  return new Date(moment).toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}

/** @param {{error: Failure}} props */
function Details({ error: { attempts, request_id: request, type, status, code } }) {
  const facts = [type, status && `HTTP ${status}`, code, request && t`Request ${request}`].filter(Boolean).join(" · ");
  const whole = [facts, ...attempts.map(({ route, error }) => `${route.label}: ${error.message}`)].join("\n");
  return html`
    <details class="error-details"><summary>${attempts.length ? t`What was tried` : t`Details`}</summary>
      ${attempts.length > 0 && html`
        <ol>${attempts.map(({ route, error }) => html`<li><strong>${route.label}</strong>: <${Told} text=${error.message} /></li>`)}</ol>`}
      <p class="error-id">${facts} <${CopyButton} text=${whole} /></p>
    </details>`;
}
