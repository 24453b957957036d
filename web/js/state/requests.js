// @ts-check
/**
 * What a provider is sent of a conversation.
 *
 * @import { WireMessage } from "../protocol.js"
 * @import { Attachment } from "./attachments.js"
 * @import { Message } from "./conversations.js"
 */

/** Said to a model that goes on with an answer of its own; no wire of all the providers lets a page just go on. */
const GO_ON = "Go on exactly where your last answer broke off. Repeat nothing of it, and say nothing about this request.";

/**
 * Everything said so far, without answers that never began. A model gets its own answers back as they came; another's
 * signatures would mean nothing to it.
 *
 * @param {Message[]} messages
 * @param {string} model  the model that is asked
 * @param {{system?: string, isContinued?: boolean}} [more]
 * @returns {WireMessage[]}
 */
export function wireMessages(messages, model, { system = "", isContinued = false } = {}) {
  const said = messages.filter(hasContent).map((message) => wireMessage(message, model));
  const instructions = system.trim() ? [{ role: "system", content: system }] : [];
  return [...instructions, ...said, ...(isContinued ? [{ role: "user", content: GO_ON }] : [])];
}

/** @param {Message} message */
function hasContent(message) {
  return Boolean(message.content) || (message.role === "user" && Boolean(message.attachments?.length));
}

/**
 * @param {Message} message
 * @param {string} model
 * @returns {WireMessage}
 */
function wireMessage(message, model) {
  if (message.role === "user") return { role: "user", content: userContent(message.content, message.attachments ?? []) };
  const isOwn = (message.taken?.model ?? message.model) === model;
  return (isOwn && message.wire) || { role: message.role, content: message.content };
}

/**
 * @param {string} text
 * @param {Attachment[]} attachments
 */
function userContent(text, attachments) {
  if (!attachments.length) return text;
  const said = text ? [{ type: "text", text }] : [];
  return [...attachments.map(wirePart), ...said];
}

/** @param {Attachment} attachment */
function wirePart({ kind, name, data }) {
  if (kind === "image") return { type: "image_url", image_url: { url: data } };
  const fence = "`".repeat(Math.max(3, ...[...data.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return { type: "text", text: `File “${name}”:\n${fence}\n${data}\n${fence}` };
}
