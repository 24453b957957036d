// @ts-check
/**
 * @import { Config, ModelGroup, Options, Problem, Rule, RuleOutcome } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { PolicyKind } from "../state/policies.js"
 */
import { groupsOf, moved, problemsBelow, rulesOf, withOptions, withPolicy, withPolicyBack, withoutPolicy }
  from "../state/policies.js";
import { failureOf } from "../rpc.js";
import { nameOfRule } from "../state/rules.js";
import { GROUP } from "../state/models.js";
import { localTimeOf, wireTrial } from "../state/trials.js";
import { t } from "../words.js";

/** @typedef {import("../state/trials.js").Trial} Trial */

/**
 * Rules, model groups and options: parts of the configuration, which is adopted with the rest of it as it is.
 *
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 * @param {(config: Config) => void} app.adopt
 * @param {{ensureModel: () => void, chooseModel: (model: string) => void}} app.models
 */
export function policyActions({ model, rpc, toast, adopt, models }) {
  /**
   * @param {PolicyKind} kind
   * @param {number | null} position
   * @param {object} row
   * @returns {Promise<Problem[]>} what is wrong with the row, by pointers into it; it is adopted where nothing is
   */
  async function save(kind, position, row) {
    const next = withPolicy(model.config.value, kind, position, row);
    const { problems } = await rpc.call("check_policies", { [kind]: next[kind] });
    const found = problems.map(({ pointer, message }) => ({ field: pointer, message }));
    const mine = problemsBelow(found, `/${kind}/${position ?? (next[kind] ?? []).length - 1}`);
    if (!mine.length) adopt(next);
    return mine;
  }

  /**
   * @param {PolicyKind} kind
   * @param {number} position
   * @param {string} name
   */
  function remove(kind, position, name) {
    const row = /** @type {object[]} */ (model.config.value[kind])[position];
    adopt(withoutPolicy(model.config.value, kind, position));
    toast(t`Removed ${name}.`, () => adopt(withPolicyBack(model.config.value, kind, position, row)));
  }

  return {
    /** @param {number | null} position @param {Rule} rule */
    saveRule: (position, rule) => save("rules", position, rule),

    /** @param {number} position */
    removeRule(position) {
      remove("rules", position, `“${nameOfRule(rulesOf(model.config.value)[position], position)}”`);
    },

    /**
     * @param {number} from
     * @param {number} to
     */
    moveRule(from, to) {
      const rules = rulesOf(model.config.value);
      adopt({ ...model.config.value, rules: moved(rules, from, to) });
      model.announcement.value = `“${nameOfRule(rules[from], from)}” is now number ${to + 1} of ${rules.length}.`;
    },

    /** @param {number} position @param {boolean} enabled */
    switchRule(position, enabled) {
      const rule = rulesOf(model.config.value)[position];
      adopt(withPolicy(model.config.value, "rules", position, { ...rule, enabled }));
    },

    /**
     * @param {Rule[]} rules
     * @param {Trial} trial
     * @returns {Promise<{outcomes: RuleOutcome[]} | {failure: string}>} what each rule says to it; nothing is sent
     */
    async tryRules(rules, trial) {
      try {
        const payload = { rules, ...wireTrial(trial), local_time: localTimeOf(trial, new Date()) };
        const [{ problems }, { outcomes }] = await Promise.all([
          rpc.call("check_policies", { rules }), rpc.call("try_rules", payload)]);
        return { outcomes: outcomes.map((outcome, position) => {
          const wrong = problems.find(({ pointer }) => pointer.startsWith(`/rules/${position}/`));
          return outcome.outcome === "broken" && wrong ? { ...outcome, message: wrong.message } : outcome;
        }) };
      } catch (error) {
        const { message, remedy } = failureOf(error);
        return { failure: [message, remedy].filter(Boolean).join(" ") };
      }
    },

    /** @param {number | null} position @param {ModelGroup} group */
    async saveGroup(position, group) {
      const before = position === null ? undefined : groupsOf(model.config.value)[position];
      const problems = await save("groups", position, group);
      const wasChosen = before !== undefined && model.model.value === `${GROUP}/${before.name}`;
      if (!problems.length && wasChosen) models.chooseModel(`${GROUP}/${group.name}`);
      return problems;
    },

    /** @param {number} position */
    removeGroup(position) {
      remove("groups", position, `the group “${groupsOf(model.config.value)[position]?.name ?? position + 1}”`);
      models.ensureModel();
    },

    /** @param {Options} change */
    changeOptions(change) {
      adopt(withOptions(model.config.value, change));
    },
  };
}
