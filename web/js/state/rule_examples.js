// @ts-check
/**
 * Rules to begin with, made of what the user has.
 *
 * @import { Relay, Rule } from "../protocol.js"
 * @import { ModelGroup } from "./models.js"
 */
import { t } from "../words.js";
import { splitModel } from "./models.js";

/** @typedef {{rule: Rule, lacks: "relay" | "model" | ""}} Example  what it still needs to make sense */

/**
 * @param {Relay[]} relays
 * @param {ModelGroup[]} groups
 * @param {string} chosen  the model that is asked now
 * @returns {Example[]}
 */
export function exampleRules(relays, groups, chosen) {
  const other = otherModel(groups, chosen);
  return [
    {
      rule: {
        id: "night", name: t`Night over my relay`, enabled: true, when: { time: { from: "22:00", to: "06:00" } },
        then: { policy: "relay", ...(relays.length ? { relays: [relays[0].id] } : {}) },
      },
      lacks: relays.length ? "" : "relay",
    },
    {
      rule: {
        id: "long", name: t`Long conversations to another model`, enabled: true, when: { tokens: { min: 50_000 } },
        then: { ...(other ? { model: other } : {}), timeout: 300 },
      },
      lacks: other ? "" : "model",
    },
  ];
}

/**
 * @param {ModelGroup[]} groups
 * @param {string} chosen
 * @returns {string} a model of another provider if there is one, else another of the same
 */
function otherModel(groups, chosen) {
  const models = groups.flatMap(({ id, models: own }) => own.map((model) => `${id}/${model.id}`));
  const provider = splitModel(chosen).provider;
  return models.find((model) => splitModel(model).provider !== provider) ?? models.find((model) => model !== chosen) ?? "";
}
