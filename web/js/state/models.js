// @ts-check
/** Models' names, and what the model box offers for what was typed. */
import { t } from "../words.js";

/** What a model group's name begins with where a provider's id stands otherwise; no provider has it. */
export const GROUP = "group";

/**
 * @import { Model } from "../protocol.js"
 *
 * @typedef {{id: string, name: string, models: Model[]}} ModelGroup  one provider's models
 * @typedef {{value: string, label: string, group: string, model?: Model}} ModelOption  `model` where it is known
 */

/**
 * @param {string} model `provider-id/model-id`
 * @returns {{provider: string, model: string}}
 */
export function splitModel(model) {
  const slash = model.indexOf("/");
  return slash < 0 ? { provider: "", model } : { provider: model.slice(0, slash), model: model.slice(slash + 1) };
}

/**
 * @param {string} asked  a provider's id, or `provider-id/model-id`
 * @returns {string} the provider's id
 */
export function providerOf(asked) {
  return splitModel(asked).provider || asked;
}

/**
 * @param {ModelGroup[]} groups  every provider's models
 * @param {string} id  a provider's
 * @returns {string} what the user calls it
 */
export function providerName(groups, id) {
  return groups.find((group) => group.id === id)?.name ?? id;
}

/**
 * @param {ModelGroup[]} groups
 * @param {string} name  `provider-id/model-id`
 * @returns {boolean | null} null where nobody says
 */
export function takesImages(groups, name) {
  const { provider, model } = splitModel(name);
  return groups.find(({ id }) => id === provider)?.models.find(({ id }) => id === model)?.has_vision ?? null;
}

/**
 * What the model box offers for what was typed: matching models, then the typed id itself for each provider
 * it could belong to.
 *
 * @param {ModelGroup[]} groups
 * @param {string} typed
 * @param {string[]} [favourites]  those stand first, in a group of their own
 * @returns {ModelOption[]}
 */
export function modelOptions(groups, typed, favourites = []) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const known = groups.flatMap((group) => group.models.map((model) =>
    ({ value: `${group.id}/${model.id}`, label: model.name || model.id, group: group.name, model })));
  const matching = known.filter(({ value, label, group }) => {
    const text = `${value} ${label} ${group}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const loved = favourites.flatMap((value) => matching.find((option) => option.value === value) ?? []);
  const first = loved.map((option) => ({ ...option, group: t`Favourites` }));
  const others = matching.filter(({ value }) => !favourites.includes(value));
  return [...first, ...others, ...typedOptions(groups, typed.trim(), known)];
}

/**
 * @param {ModelGroup[]} groups
 * @param {string} typed
 * @param {ModelOption[]} known
 * @returns {ModelOption[]}
 */
function typedOptions(groups, typed, known) {
  const { provider: prefix, model } = splitModel(typed);
  if (!typed || /\s/.test(typed) || prefix === GROUP) return [];
  const providers = groups.filter(({ id }) => id !== GROUP);
  const owner = providers.find((group) => group.id === prefix);
  const candidates = owner && model ? [{ owner, id: model }] : providers.map((group) => ({ owner: group, id: typed }));
  return candidates
    .map(({ owner: group, id }) => ({ value: `${group.id}/${id}`, label: id, group: group.name }))
    .filter(({ value }) => !known.some((option) => option.value === value))
    .map((option) => ({ ...option, label: t`Use “${option.label}”` }));
}
