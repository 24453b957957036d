// @ts-check
/**
 * Many providers' routes at once.
 *
 * @import { Config, Provider, TrialOutcome } from "../protocol.js"
 */
import { bestWay } from "./trial_ways.js";

/**
 * @typedef {{id: string, state: "waiting" | "running" | "over" | "stopped", outcomes: TrialOutcome[], problem: string}} Trialled
 *   a provider in the test of all; `problem` where it could not be tried
 */

/**
 * @param {Provider} provider
 * @param {TrialOutcome[]} outcomes
 * @returns {Provider["route"] | null} the route that would work; null where none is known to, or the present one does
 */
export function proposedRoute({ route }, outcomes) {
  const best = bestWay(outcomes);
  const wanted = best === "relay" ? "relay" : best === "direct" && route === "relay" ? "auto" : null;
  return wanted === route ? null : wanted;
}

/**
 * @param {Config} config
 * @param {Record<string, Provider["route"]>} routes  by provider
 * @returns {Config}
 */
export function withRoutes(config, routes) {
  return { ...config, providers: config.providers.map((provider) =>
    (provider.id in routes ? { ...provider, route: routes[provider.id] } : provider)) };
}

/** @param {Config} config @returns {Provider[]} those that are asked through relays alone */
export function relayedOnly({ providers }) {
  return providers.filter(({ route }) => route === "relay");
}

/** @param {TrialOutcome[]} outcomes @returns {string} the relay that works, by name; empty where none does */
export function workingRelay(outcomes) {
  const found = outcomes.find(({ works, route }) => works && route.kind === "relay");
  return found?.route.label ?? "";
}
