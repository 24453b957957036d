// @ts-check
/** What a relay lets its token ask for, in words. */
import { formatBytes, formatNumber, t, tn } from "../words.js";

/** @type {Record<string, (value: number) => string>} by the relay's own names */
const WORDS = {
  requests_per_minute: (value) => tn(value, "{0} request a minute", "{0} requests a minute"),
  tokens_per_minute: (value) => t`${formatNumber(value)} tokens a minute`,
  streams: (value) => tn(value, "{0} answer at a time", "{0} answers at a time"),
  largest_body: (value) => t`requests up to ${formatBytes(value)}`,
};

/**
 * @param {Record<string, number>} limits
 * @returns {string[]} those that are set, 0 is none; one that nobody here knows is left by its own name
 */
export function describeLimits(limits) {
  return Object.entries(limits).filter(([, value]) => value > 0)
    .map(([name, value]) => WORDS[name]?.(value) ?? `${name}: ${formatNumber(value)}`);
}
