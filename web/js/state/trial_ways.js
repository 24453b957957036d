// @ts-check
/**
 * What a test of a provider has found so far, by way.
 *
 * @import { Route, Tested, TrialOutcome } from "../protocol.js"
 *
 * @typedef {{route: Route, steps: Tested[], outcome: TrialOutcome | null}} TrialWay
 */

/**
 * @param {Tested[]} steps  in their order
 * @param {TrialOutcome[]} outcomes
 * @returns {TrialWay[]} in the order in which they were tried
 */
export function waysOf(steps, outcomes) {
  const ways = Map.groupBy(steps, ({ route }) => keyOf(route));
  return [...ways].map(([key, own]) => ({
    route: own[0].route, steps: own, outcome: outcomes.find(({ route }) => keyOf(route) === key) ?? null,
  }));
}

/**
 * @param {TrialOutcome[]} outcomes
 * @returns {"direct" | "relay" | "none"} the best way that works
 */
export function bestWay(outcomes) {
  const working = outcomes.filter(({ works }) => works);
  if (working.some(({ route }) => route.kind === "direct")) return "direct";
  return working.length ? "relay" : "none";
}

/** @param {Route} route */
function keyOf({ kind, relay }) {
  return `${kind} ${relay ?? ""}`;
}
