// @ts-check
/** @import { Answer } from "../../state/answers.js" */
import { formatDuration, formatMoney, formatNumber, t, tn } from "../../words.js";
import { html } from "../parts/html.js";

/** What an answer took, quietly. @param {{answer: Answer}} props */
export function Figures({ answer }) {
  const { usage, timing, cost } = answer;
  const speed = speedOf(answer);
  const figures = [
    usage?.output_tokens != null && tn(usage.output_tokens, "{0} token", "{0} tokens"),
    speed && t`${formatNumber(speed, { maximumFractionDigits: speed < 10 ? 1 : 0 })} tokens/s`,
    timing?.first_token_ms != null && t`first after ${formatDuration(timing.first_token_ms)}`,
    cost != null && formatMoney(cost),
  ].filter(Boolean);
  if (!figures.length) return null;
  return html`<span class="figures" title=${details(answer)}>${figures.join(" · ")}</span>`;
}

/**
 * @param {Answer} answer
 * @returns {number | null} tokens a second, from the first token to the last
 */
function speedOf({ usage, timing }) {
  const tokens = usage?.output_tokens;
  if (!tokens || timing?.total_ms == null || timing.first_token_ms == null) return null;
  const seconds = (timing.total_ms - timing.first_token_ms) / 1000;
  // One frame holds several tokens: over so short a time it would say nothing.
  return seconds > 0.1 ? tokens / seconds : null;
}

/** @param {Answer} answer */
function details({ usage, timing }) {
  return [
    usage?.input_tokens != null && t`${formatNumber(usage.input_tokens)} tokens were sent`,
    usage?.cached_tokens && t`${formatNumber(usage.cached_tokens)} of them were cached`,
    usage?.reasoning_tokens && t`${formatNumber(usage.reasoning_tokens)} tokens of reasoning`,
    timing?.total_ms != null && t`${formatDuration(timing.total_ms)} in all`,
  ].filter(Boolean).join(", ");
}
