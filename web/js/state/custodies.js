// @ts-check
/**
 * Where keys are kept, in plain words.
 *
 * @import { Custody } from "../vaults.js"
 */
import { t } from "../words.js";

/** @type {Custody[]} from the shortest to the longest kept */
export const CUSTODIES = ["memory", "session", "device", "passphrase"];

/** @type {Record<Custody, {name: () => string, meaning: () => string, protects: () => string}>} */
const WORDS = {
  memory: {
    name: () => t`Only in memory`,
    meaning: () => t`gone when this page is closed or reloaded`,
    protects: () => t`Nothing is written down anywhere. You type your keys again each time.`,
  },
  session: {
    name: () => t`For this session`,
    meaning: () => t`gone when the tab closes`,
    protects: () => t`Kept in this tab's own storage, also across reloads. Other tabs do not see them.`,
  },
  device: {
    name: () => t`On this device`,
    meaning: () => t`encrypted in this browser's storage`,
    protects: () => t`Whoever copies the browser's files cannot read them; whoever can use this browser can use them.`,
  },
  passphrase: {
    name: () => t`Under a passphrase`,
    meaning: () => t`encrypted, and asked for when the page opens`,
    protects: () => t`Without the passphrase nobody can use them, not even on this device. Nobody can recover a lost passphrase.`,
  },
};

/** @param {Custody} custody @returns {string} */
export function custodyName(custody) {
  return WORDS[custody].name();
}

/** @param {Custody} custody @returns {string} beside its name */
export function custodyMeaning(custody) {
  return WORDS[custody].meaning();
}

/** @param {Custody} custody @returns {string} a sentence or two: against what it protects, and what not */
export function custodyProtection(custody) {
  return WORDS[custody].protects();
}

/** Characters; more is better, and a sentence is best. */
export const SHORTEST_PASSPHRASE = 10;

/**
 * @param {string} passphrase
 * @param {string} repeated
 * @returns {string} what is wrong with it, or nothing
 */
export function passphraseProblem(passphrase, repeated) {
  if (passphrase.length < SHORTEST_PASSPHRASE) return t`At least ${SHORTEST_PASSPHRASE} characters.`;
  return passphrase === repeated ? "" : t`The two are not the same.`;
}
