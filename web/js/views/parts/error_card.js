// @ts-check
/**
 * @import { Failure } from "../../protocol.js"
 * @import { Answer } from "../../state/answers.js"
 */
import { splitModel } from "../../state/models.js";
import { useApp } from "./context.js";
import { useCountdown } from "./countdown.js";
import { html } from "./html.js";

const SETTINGS_ERRORS = new Set(["AuthenticationError", "PermissionError", "PermissionDeniedError", "ConfigurationError"]);
const SETTINGS_STATUS = [401, 403, 404];
/** Up to so many seconds are counted down; what is further off is told by the clock. */
const LONGEST_COUNTDOWN = 120;
const DAY_MS = 24 * 3600 * 1000;

/** @param {{error: Failure, answer: Answer}} props */
export function ErrorCard({ error, answer }) {
  const { model, actions } = useApp();
  // Who was asked in the end: a group or a rule may have put another model in the chosen one's place.
  const askedModel = answer.taken?.model ?? answer.model;
  const { provider } = splitModel(askedModel);
  const exists = model.config.value.providers.some(({ id }) => id === provider);
  return html`
    <div class="error-card">
      <p class="error-message">${error.message}</p>
      ${error.remedy && html`<p>${error.remedy}</p>`}
      ${error.resets_at && html`<${Reset} moment=${Date.parse(error.resets_at)} />`}
      <div class="error-actions">
        ${error.consent_needed.map((relay) => html`
          <button type="button" class="primary" key=${relay} onClick=${() => actions.allowAndRetry(relay, answer)}>
            Allow ${relayName(relay)} to see this key and retry</button>`)}
        ${exists && isAboutSettings(error) && html`
          <button type="button" onClick=${() => { model.dialog.value = { kind: "provider", id: provider }; }}>
            Open the provider's settings</button>`}
        ${exists && !error.consent_needed.length && error.type !== "PythonUnavailable" && html`
          <button type="button" onClick=${() => actions.diagnosis.open(askedModel, error)}>Diagnose</button>`}
      </div>
      <${Attempts} attempts=${error.attempts} />
      ${error.request_id && html`<p class="error-id">Request ${error.request_id}</p>`}
    </div>`;

  /** @param {string} id */
  function relayName(id) {
    return model.config.value.relays.find((relay) => relay.id === id)?.name || id;
  }
}

/** @param {{moment: number}} props */
function Reset({ moment }) {
  const seconds = useCountdown(moment);
  if (!seconds) return null;
  const when = seconds <= LONGEST_COUNTDOWN ? `in ${seconds} s` : `at ${clockTime(moment)}`;
  // A timer: its seconds are not read aloud one by one.
  return html`<p role="timer">Try again ${when}.</p>`;
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

/** @param {{attempts: Failure["attempts"]}} props */
function Attempts({ attempts }) {
  if (!attempts.length) return null;
  return html`
    <details><summary>What was tried</summary>
      <ol>${attempts.map(({ route, error }) => html`<li><strong>${route.label}</strong>: ${error.message}</li>`)}</ol>
    </details>`;
}

/** @param {Failure} error */
function isAboutSettings({ type, origin, status }) {
  if (origin === "relay") return false;
  return origin === "configuration" || SETTINGS_ERRORS.has(type) || SETTINGS_STATUS.includes(status ?? 0);
}
