// @ts-check
/**
 * What was measured, and what it says: attempts in, series, sums and a spreadsheet out.
 *
 * @import { Attempt } from "../protocol.js"
 *
 * @typedef {object} InsightFilter
 * @property {string} provider  an id; empty for all
 * @property {string} model
 * @property {string} route  `direct`, a relay's id, or `relays` for any; empty for all
 * @property {number} span  in seconds before now
 *
 * @typedef {{start: number, direct: Attempt[], relay: Attempt[]}} Bucket  `start` in seconds since 1970
 * @typedef {{direct: number | null, relay: number | null}} Pair
 */

export const DIRECT = "direct";
const OK = "ok";
const HOUR = 3600;
const DAY = 24 * HOUR;
/** In seconds: how wide a step of a chart is, by the span that is looked at. */
const STEPS = [{ span: HOUR, step: HOUR / 12 }, { span: DAY, step: HOUR }, { span: 7 * DAY, step: 6 * HOUR },
  { span: 30 * DAY, step: DAY }, { span: Infinity, step: 3 * DAY }];
/** In seconds: an answer that comes in one piece says nothing of its speed. */
const SHORTEST_STREAM = 0.01;

export const SPANS = [HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY];

/**
 * @param {Attempt[]} attempts
 * @param {InsightFilter} filter
 * @param {number} now  in seconds since 1970
 * @returns {Attempt[]}
 */
export function chosen(attempts, { provider, model, route, span }, now) {
  return attempts.filter((attempt) =>
    attempt.at > now - span
    && (!provider || attempt.provider === provider)
    && (!model || attempt.model === model)
    && (!route || attempt.route === route || (route === "relays" && attempt.route !== DIRECT)));
}

/**
 * @param {Attempt[]} attempts
 * @param {number} span  in seconds
 * @param {number} now  in seconds since 1970
 * @returns {Bucket[]} every step from the first attempt to now, also those without any
 */
export function bucketed(attempts, span, now) {
  if (!attempts.length) return [];
  const step = /** @type {{step: number}} */ (STEPS.find((candidate) => span <= candidate.span)).step;
  const first = Math.floor(Math.min(...attempts.map(({ at }) => at)) / step) * step;
  const buckets = [];
  for (let start = first; start <= now; start += step) {
    buckets.push({ start, direct: /** @type {Attempt[]} */ ([]), relay: /** @type {Attempt[]} */ ([]) });
  }
  for (const attempt of attempts) {
    const bucket = buckets[Math.floor((attempt.at - first) / step)] ?? buckets[buckets.length - 1];
    bucket[attempt.route === DIRECT ? "direct" : "relay"].push(attempt);
  }
  return buckets;
}

/** @param {Attempt[]} attempts @returns {number | null} in milliseconds, the median of those that went well */
export function firstToken(attempts) {
  const times = good(attempts).flatMap(({ first_token: first }) => (first === null ? [] : [first * 1000]));
  return median(times);
}

/** @param {Attempt[]} attempts @returns {number | null} tokens a second, over all that went well together */
export function speed(attempts) {
  let tokens = 0;
  let seconds = 0;
  for (const { output_tokens: written, first_token: first, total } of good(attempts)) {
    if (written === null || first === null || total === null || total - first < SHORTEST_STREAM) continue;
    tokens += written;
    seconds += total - first;
  }
  return seconds > 0 ? tokens / seconds : null;
}

/** @param {Attempt[]} attempts @returns {number | null} how many went wrong; null where there were none at all */
export function failures(attempts) {
  return attempts.length ? attempts.length - good(attempts).length : null;
}

/** @param {Attempt[]} attempts @returns {number | null} in dollars; null where no price is known */
export function spend(attempts) {
  const costs = attempts.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  return costs.length ? costs.reduce((sum, cost) => sum + cost, 0) : null;
}

/**
 * @param {Attempt[]} attempts
 * @param {(attempts: Attempt[]) => number | null} figure
 * @returns {Pair} of the direct way and of all relays together
 */
export function compared(attempts, figure) {
  return {
    direct: figure(attempts.filter(({ route }) => route === DIRECT)),
    relay: figure(attempts.filter(({ route }) => route !== DIRECT)),
  };
}

/**
 * @param {Attempt[]} attempts
 * @returns {{outcome: string, direct: number, relay: number}[]} what went wrong, most often first
 */
export function failuresByKind(attempts) {
  const bad = attempts.filter(({ outcome }) => outcome !== OK);
  const kinds = Map.groupBy(bad, ({ outcome }) => outcome);
  return [...kinds].map(([outcome, all]) => {
    const direct = all.filter(({ route }) => route === DIRECT).length;
    return { outcome, direct, relay: all.length - direct };
  }).sort((a, b) => b.direct + b.relay - a.direct - a.relay || a.outcome.localeCompare(b.outcome));
}

const COLUMNS = /** @type {const} */ (["provider", "model", "route", "outcome", "first_token", "total", "input_tokens",
  "output_tokens", "reasoning_tokens", "cached_tokens", "cost", "overhead"]);

/**
 * @param {Attempt[]} attempts
 * @returns {string} a table as RFC 4180 has it; times in seconds, costs in dollars, `overhead` in milliseconds
 */
export function writeCsv(attempts) {
  const rows = attempts.map((attempt) =>
    [new Date(attempt.at * 1000).toISOString(), ...COLUMNS.map((column) => attempt[column])].map(cell).join(","));
  return `${["time", ...COLUMNS].join(",")}\r\n${rows.map((row) => `${row}\r\n`).join("")}`;
}

/** @param {string | number | null | undefined} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  // A spreadsheet would take these for formulas.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Attempt[]} attempts */
function good(attempts) {
  return attempts.filter(({ outcome }) => outcome === OK);
}

/** @param {number[]} values */
function median(values) {
  if (!values.length) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length / 2) - 1];
}
