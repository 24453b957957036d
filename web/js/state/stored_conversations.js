// @ts-check
/**
 * Conversations as they are stored: rows in, conversations out, whatever the rows look like. What a row lacks gets its
 * plain value, so that one damaged field costs that field and nothing else.
 *
 * @import { Answer } from "./answers.js"
 * @import { Conversation, Head, Message, UserMessage } from "./conversations.js"
 */
import { newAnswer } from "./answers.js";
import { newConversation } from "./conversations.js";

/**
 * @param {any} row
 * @returns {Head | null} null where it is no conversation at all
 */
export function loadHead(row) {
  if (!row || typeof row.id !== "string") return null;
  const { messages: _, ...plain } = newConversation(row.id, timeOf(row.updated));
  return {
    ...plain, title: textOf(row.title) || plain.title, created: timeOf(row.created) || plain.created,
    isPinned: row.isPinned === true, system: textOf(row.system), parameters: objectOf(row.parameters),
    current: typeof row.current === "string" ? row.current : null,
  };
}

/**
 * @param {any} row
 * @returns {Message | null} null where it is no message at all
 */
export function loadMessage(row) {
  if (!row || typeof row.id !== "string" || !["user", "assistant"].includes(row.role)) return null;
  const { conversation: _, ...message } = row;
  const family = {
    parent: typeof row.parent === "string" ? row.parent : null, created: timeOf(row.created), content: textOf(row.content),
  };
  if (row.role === "user") return { ...message, ...family };
  const model = textOf(row.model);
  return { ...newAnswer(row.id, model, family.created), ...message, ...family, model, reasoning: textOf(row.reasoning),
    toolCalls: listOf(row.toolCalls), detours: listOf(row.detours) };
}

/**
 * @param {Head} head
 * @param {any[]} rows  of its messages
 * @returns {Conversation}
 */
export function loadConversation(head, rows) {
  const messages = Object.fromEntries(rows.flatMap((row) => {
    const message = loadMessage(row);
    return message ? [[message.id, message]] : [];
  }));
  const last = Object.values(messages).sort((a, b) => a.created - b.created).at(-1)?.id ?? null;
  const current = head.current && messages[head.current] ? head.current : last;
  return { ...head, current, messages };
}

/**
 * A conversation of the first two versions, which was a list whose answers held the other answers to their question.
 *
 * @param {any} old
 * @returns {Conversation | null}
 */
export function treeFromList(old) {
  const head = loadHead(old);
  if (!head) return null;
  // Their order is all that is known of the messages' times.
  let created = head.updated - listOf(old.messages).length;
  /** @type {Record<string, Message>} */
  const messages = {};
  /** @type {string | null} */
  let current = null;
  for (const { earlier, later, ...shown } of listOf(old.messages)) {
    const parent = current;
    for (const row of [...listOf(earlier), shown, ...listOf(later)]) {
      const message = loadMessage({ ...row, earlier: undefined, later: undefined, parent, created: created++ });
      if (message) messages[message.id] = tidy(message);
    }
    if (typeof shown.id === "string" && messages[shown.id]) current = shown.id;
  }
  return { ...head, current, messages };
}

/** @param {any} message */
function tidy({ earlier: _earlier, later: _later, ...message }) {
  return /** @type {UserMessage | Answer} */ (message);
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : "";
}

/** @param {unknown} value */
function timeOf(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** @param {unknown} value @returns {any[]} */
function listOf(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function objectOf(value) {
  return value && typeof value === "object" && !Array.isArray(value) ? /** @type {any} */ (value) : {};
}
