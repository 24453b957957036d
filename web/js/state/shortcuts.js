// @ts-check
/** What the keyboard does everywhere in the page. */
/** @import { View } from "../model.js" */
import { t } from "../words.js";

/**
 * @typedef {"help" | "palette" | "new chat" | "message" | "search" | "stop" | View} Deed
 * @typedef {{deed: Deed, key: string, isSingle: boolean, name: () => string}} Shortcut  `isSingle` works where nothing is
 *   typed; the others with Ctrl, or on Apple's machines with ⌘
 */

/** @type {Shortcut[]} */
export const SHORTCUTS = [
  { deed: "palette", key: "k", isSingle: false, name: () => t`Command palette` },
  { deed: "help", key: "?", isSingle: true, name: () => t`This list` },
  { deed: "new chat", key: "n", isSingle: true, name: () => t`New chat` },
  { deed: "message", key: "/", isSingle: true, name: () => t`Write a message` },
  { deed: "search", key: "s", isSingle: true, name: () => t`Search all chats` },
  { deed: "stop", key: ".", isSingle: false, name: () => t`Stop the answer` },
  { deed: "chat", key: "1", isSingle: true, name: () => t`Chat` },
  { deed: "providers", key: "2", isSingle: true, name: () => t`Providers` },
  { deed: "relays", key: "3", isSingle: true, name: () => t`Relays` },
  { deed: "rules", key: "4", isSingle: true, name: () => t`Rules` },
  { deed: "insights", key: "5", isSingle: true, name: () => t`Insights` },
  { deed: "settings", key: "6", isSingle: true, name: () => t`Settings` },
];

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} pressed
 * @param {{isTyping: boolean, hasSingles: boolean}} where
 * @returns {Deed | null}
 */
export function deedOf({ key, ctrlKey, metaKey, altKey }, { isTyping, hasSingles }) {
  const isCommand = ctrlKey || metaKey;
  const found = SHORTCUTS.find((shortcut) => shortcut.key === key.toLowerCase() && shortcut.isSingle !== isCommand);
  if (!found || altKey || (found.isSingle && (isTyping || !hasSingles))) return null;
  return found.deed;
}

/**
 * @param {Shortcut} shortcut
 * @param {boolean} isApple
 * @returns {string[]} the keys, by the names on them
 */
export function keysOf({ key, isSingle }, isApple) {
  return isSingle ? [key.toUpperCase()] : [isApple ? "⌘" : "Ctrl", key.toUpperCase()];
}
