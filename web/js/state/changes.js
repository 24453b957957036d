// @ts-check
/**
 * What changed from one configuration to the next, in words.
 *
 * @import { Config } from "../protocol.js"
 */
import { t } from "../words.js";

/** @type {{list: "providers" | "relays" | "rules" | "groups", id: "id" | "name"}[]} */
const LISTS = [{ list: "providers", id: "id" }, { list: "relays", id: "id" }, { list: "rules", id: "id" }, { list: "groups", id: "name" }];
const MOST = 4;

/**
 * @param {Config} before
 * @param {Config} after
 * @returns {string} the items that came, went or changed
 */
export function describeChange(before, after) {
  const said = LISTS.flatMap(({ list, id }) => describeList(rowsOf(before, list, id), rowsOf(after, list, id)));
  if (!isSame(before.consents, after.consents)) said.push(t`who may see which key`);
  if (!isSame(before.options ?? {}, after.options ?? {})) said.push(t`options`);
  if (!said.length) return t`a key, or the order`;
  const more = said.length - MOST;
  return [...said.slice(0, MOST), ...(more > 0 ? [t`and ${more} more`] : [])].join(", ");
}

/**
 * @param {Config} config
 * @param {"providers" | "relays" | "rules" | "groups"} list
 * @param {"id" | "name"} id
 * @returns {Map<string, any>}
 */
function rowsOf(config, list, id) {
  return new Map((/** @type {any[]} */ (config[list] ?? [])).map((row, place) => [String(row?.[id] ?? place), row]));
}

/** @param {Map<string, any>} before @param {Map<string, any>} after @returns {string[]} */
function describeList(before, after) {
  const came = [...after].filter(([id]) => !before.has(id)).map(([id, row]) => t`${row?.name || id} added`);
  const went = [...before].filter(([id]) => !after.has(id)).map(([id, row]) => t`${row?.name || id} removed`);
  const differ = [...after].filter(([id, row]) => before.has(id) && !isSame(row, before.get(id)));
  return [...came, ...went, ...differ.map(([id, row]) => t`${row?.name || id} changed`)];
}

/** @param {unknown} one @param {unknown} other */
function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
