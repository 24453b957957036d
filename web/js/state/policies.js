// @ts-check
/**
 * The lists of rules and model groups and the options inside the configuration: plain values in, plain values out.
 * Rows are named by their position: what has something wrong with it may have no id, or another's.
 *
 * @import { Config, ModelGroup, Options, Problem, Rule } from "../protocol.js"
 * @import { ModelGroup as ModelChoices } from "./models.js"
 */
import { t } from "../words.js";
import { GROUP } from "./models.js";

/** @typedef {"rules" | "groups"} PolicyKind */

/**
 * @param {Config} config
 * @returns {Rule[]}
 */
export function rulesOf({ rules }) {
  return listOf(rules);
}

/**
 * @param {Config} config
 * @returns {ModelGroup[]}
 */
export function groupsOf({ groups }) {
  return listOf(groups);
}

/**
 * @param {Config} config
 * @returns {Required<Options>} with the defaults where nothing is laid down
 */
export function optionsOf({ options }) {
  return { shares_requests: true, caches_answers: false, cache_lifetime: 86400, ...(isObject(options) ? options : {}) };
}

/**
 * @param {Config} config
 * @param {Options} change
 * @returns {Config}
 */
export function withOptions(config, change) {
  return { ...config, options: { ...(isObject(config.options) ? config.options : {}), ...change } };
}

/**
 * @param {Config} config
 * @returns {ModelChoices[]} the user's model groups, in the form of one provider's models
 */
export function groupChoices(config) {
  const names = groupsOf(config).map(({ name }) => name).filter((name) => typeof name === "string");
  return names.length ? [{ id: GROUP, name: t`Model groups`, models: names.map((name) => ({ id: name, name })) }] : [];
}

/**
 * @param {Config} config
 * @param {PolicyKind} kind
 * @param {number | null} position  null to add it at the end
 * @param {object} row
 * @returns {Config}
 */
export function withPolicy(config, kind, position, row) {
  const rows = listOf(config[kind]);
  return { ...config, [kind]: position === null ? [...rows, row] : rows.with(position, row) };
}

/**
 * @param {Config} config
 * @param {PolicyKind} kind
 * @param {number} position
 * @returns {Config}
 */
export function withoutPolicy(config, kind, position) {
  return { ...config, [kind]: listOf(config[kind]).toSpliced(position, 1) };
}

/**
 * @param {Config} config
 * @param {PolicyKind} kind
 * @param {number} position  where it was; at the end if there are fewer by now
 * @param {object} row
 * @returns {Config}
 */
export function withPolicyBack(config, kind, position, row) {
  return { ...config, [kind]: listOf(config[kind]).toSpliced(position, 0, row) };
}

/**
 * @template T
 * @param {T[]} rows
 * @param {number} from
 * @param {number} to
 * @returns {T[]} the same where there is no such place
 */
export function moved(rows, from, to) {
  if (to < 0 || to >= rows.length) return rows;
  return rows.toSpliced(from, 1).toSpliced(to, 0, rows[from]);
}

/**
 * @param {{field: string, message: string}[]} problems
 * @param {string} pointer
 * @returns {Problem[]} those with what it points to, or with something inside, as seen from there
 */
export function problemsBelow(problems, pointer) {
  return problems
    .filter(({ field }) => field === pointer || field.startsWith(`${pointer}/`))
    .map(({ field, message }) => ({ item: "", field: field.slice(pointer.length), message }));
}

/**
 * @param {Problem[]} problems
 * @param {string[]} shown  the fields of a form, as pointers
 * @returns {Problem[]} what is wrong with a member of a field's list, moved to the field
 */
export function problemsAtFields(problems, shown) {
  return problems.map((problem) => {
    const owner = shown.find((field) => problem.field === field || problem.field.startsWith(`${field}/`));
    return owner ? { ...problem, field: owner } : problem;
  });
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} rows  of a document that may come from elsewhere
 * @returns {any[]}
 */
function listOf(rows) {
  return Array.isArray(rows) ? rows : [];
}
