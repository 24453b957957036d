// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Preferences } from "../preferences.js"
 */
import { applyPreferences, savePreferences, watchWishes } from "../preferences.js";

/** @param {{model: PageModel}} app */
export function preferenceActions({ model }) {
  watchWishes(() => void applyPreferences(model.preferences.value));
  return {
    /** @param {Partial<Preferences>} changed */
    async prefer(changed) {
      model.preferences.value = { ...model.preferences.value, ...changed };
      savePreferences(model.preferences.value);
      await applyPreferences(model.preferences.value);
    },
  };
}
