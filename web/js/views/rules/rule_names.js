// @ts-check
/**
 * @import { PageModel } from "../../model.js"
 * @import { Names } from "../../state/rules.js"
 */

/**
 * @param {PageModel} model
 * @returns {Names} what the user calls the providers and relays that rules name
 */
export function namesIn(model) {
  return {
    providers: Object.fromEntries(model.modelGroups.value.map(({ id, name }) => [id, name])),
    relays: Object.fromEntries(model.config.value.relays.map(({ id, name }) => [id, name || id])),
  };
}
