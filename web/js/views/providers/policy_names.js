// @ts-check
/** @import { Provider } from "../../protocol.js" */
import { t } from "../../words.js";

/** @type {Record<Provider["route"], () => string>} */
const NAMES = { auto: () => t`Auto`, direct: () => t`Direct only`, relay: () => t`Relay only` };

/** @param {Provider["route"]} route @returns {string} */
export function policyName(route) {
  return NAMES[route]();
}
