// @ts-check
/**
 * One conversation as a file.
 *
 * @import { Conversation, Message } from "./conversations.js"
 */
import { thread } from "./conversations.js";

const LONGEST_NAME = 80;

/**
 * @param {Conversation} conversation
 * @returns {string} the whole tree, with other versions; it never holds a key, since no message does
 */
export function writeJson(conversation) {
  return JSON.stringify({ format: "sidestep-conversation", version: 1, ...conversation }, null, 2);
}

/**
 * @param {Conversation} conversation
 * @returns {string} the thread that is shown
 */
export function writeMarkdown(conversation) {
  const system = conversation.system ? [`> ${conversation.system.replaceAll("\n", "\n> ")}`] : [];
  return [`# ${conversation.title}`, ...system, ...thread(conversation).map(writeMessage)].join("\n\n") + "\n";
}

/** @param {Message} message */
function writeMessage(message) {
  if (message.role === "assistant") return `## ${message.taken?.model ?? message.model}\n\n${message.content}`;
  const attached = (message.attachments ?? []).map(({ name }) => `*${name}*`);
  return ["## You", ...attached, message.content].join("\n\n");
}

/**
 * @param {string} title
 * @returns {string} what every file system takes
 */
export function fileName(title) {
  return title.replace(/[^\p{L}\p{N} ._-]+/gu, "").trim().slice(0, LONGEST_NAME).replace(/[. ]+$/, "") || "chat";
}
