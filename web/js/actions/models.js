// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Offer } from "../protocol.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Keeper } from "./keeper.js"
 */
import { groupsOf } from "../state/policies.js";
import { GROUP, splitModel } from "../state/models.js";

/** @param {{model: PageModel, rpc: Rpc, keeper: Keeper}} app */
export function modelActions({ model, rpc, keeper }) {
  /** @type {Set<string>} providers asked since the page was opened */
  const asked = new Set();

  /**
   * @param {string} provider
   * @param {boolean} refresh
   */
  async function load(provider, refresh) {
    asked.add(provider);
    try {
      const { models, source, fetched_at: fetchedAt, is_stale: isStale } =
        await rpc.call("models", { provider, refresh });
      if (source !== "live" || fetchedAt === null) return false;
      model.models.value = { ...model.models.value, [provider]: { models, fetched_at: fetchedAt } };
      await keeper.saveSetting("models", model.models.value);
      if (isStale && !refresh) await load(provider, true);
      return true;
    } catch {
      // The curated list stays; what keeps the provider from answering is said where it matters, in the chat.
      asked.delete(provider);
      return false;
    }
  }

  return {
    /** @param {string} chosen */
    chooseModel(chosen) {
      model.model.value = chosen;
      void keeper.saveSetting("model", chosen);
    },

    /** Another model is asked beside the chosen one: the next in the list that is not asked yet. */
    addCompared() {
      const asked = [model.model.value, ...model.comparedModels.value];
      const known = model.modelGroups.value.flatMap((group) => group.models.map(({ id }) => `${group.id}/${id}`));
      const next = known.find((name) => !asked.includes(name)) ?? model.model.value;
      if (next) model.comparedModels.value = [...model.comparedModels.value, next];
    },

    /** @param {number} position @param {string} chosen */
    chooseCompared(position, chosen) {
      model.comparedModels.value = model.comparedModels.value.with(position, chosen);
    },

    /** @param {number} position */
    removeCompared(position) {
      model.comparedModels.value = model.comparedModels.value.toSpliced(position, 1);
    },

    /**
     * @param {string} name  `provider-id/model-id`, or a model group's
     * @param {Record<string, unknown>} parameters
     * @returns {Promise<Offer[]>} what the model takes; of a group nothing can be said
     */
    async listOffers(name, parameters) {
      try {
        return (await rpc.call("describe_model", { model: name, parameters })).parameters;
      } catch {
        // A model group has no parameters of its own, and a provider that is gone none at all.
        return [];
      }
    },

    /** Asks each provider once per visit, and only when the list is opened: never on page load. */
    loadModels() {
      for (const { id } of model.config.value.providers) if (!asked.has(id)) void load(id, false);
    },

    /**
     * @param {string} provider  whose address or key changed
     * @returns {Promise<boolean>} whether it gave its list
     */
    async reloadModels(provider) {
      const isLive = await load(provider, true);
      this.ensureModel();
      return isLive;
    },

    /** @param {string} value  `provider-id/model-id` */
    toggleFavourite(value) {
      const before = model.favourites.value;
      model.favourites.value = before.includes(value) ? before.filter((other) => other !== value) : [...before, value];
      void keeper.saveSetting("favourites", model.favourites.value);
    },

    /** Keeps the choice valid: a model of a provider that exists, a model group that does, or the first model there is. */
    ensureModel() {
      const groups = model.modelGroups.value;
      const { provider, model: chosen } = splitModel(model.model.value);
      const isGroup = provider === GROUP && groupsOf(model.config.value).some(({ name }) => name === chosen);
      if (isGroup || groups.some(({ id }) => id === provider)) return;
      const group = groups.find(({ models }) => models.length);
      const first = group ? `${group.id}/${group.models[0].id}` : "";
      if (first !== model.model.value) this.chooseModel(first);
    },
  };
}
