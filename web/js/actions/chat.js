// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Answer } from "../state/answers.js"
 * @import { Attachment } from "../state/attachments.js"
 * @import { Conversation } from "../state/conversations.js"
 * @import { conversationActions } from "./conversations.js"
 */
import { failureOf } from "../rpc.js";
import { continued, failed, finished, isRunning, isUnfinished, newAnswer, withEvents } from "../state/answers.js";
import { asked, askedAgain, goingOnFrom, thread, turned, withAnswer } from "../state/conversations.js";
import { wireMessages } from "../state/requests.js";
import { t } from "../words.js";

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {ReturnType<typeof conversationActions>} app.conversations
 * @param {Promise<void>} app.loaded  settled once stored settings are in place
 * @param {() => Promise<unknown>} app.catalogued  settled once it is known which models there are, or that nobody can tell
 * @param {(text: string) => void} app.toast
 */
export function chatActions({ model, rpc, conversations, loaded, catalogued, toast }) {
  /**
   * @param {string[]} models
   * @returns {Answer[]} none where there is nobody to ask
   */
  function freshAnswers(models) {
    const now = Date.now();
    if (models.every(Boolean)) return models.map((from, position) => newAnswer(crypto.randomUUID(), from, now + position));
    toast(model.config.value.providers.length ? t`Choose a model first.` : t`Add a provider first.`);
    return [];
  }

  /** @param {string} conversation @param {string} answer @param {number | null} command  null once it is over */
  function markRunning(conversation, answer, command) {
    const { [conversation]: own = {}, ...others } = model.running.value;
    const { [answer]: _, ...rest } = own;
    const mine = command === null ? rest : { ...rest, [answer]: command };
    model.running.value = Object.keys(mine).length ? { ...others, [conversation]: mine } : others;
  }

  /**
   * @param {Conversation} conversation
   * @param {string} id  of the answer to be filled
   * @param {{fresh?: boolean, isContinued?: boolean}} [how]  `fresh` where it must be neither a kept answer nor
   *   another call's
   */
  async function run(conversation, id, { fresh = false, isContinued = false } = {}) {
    const answer = /** @type {Answer} */ (conversation.messages[id]);
    /** @param {(answer: Answer) => Answer} change @param {"now" | "soon"} saved */
    const update = (change, saved) =>
      conversations.changeConversation(conversation.id, (before) => withAnswer(before, id, change), saved);
    const said = thread(conversation, isContinued ? id : answer.parent);
    const messages = wireMessages(said, answer.model, { system: conversation.system, isContinued });
    const payload = { model: answer.model, messages, parameters: conversation.parameters, conversation: conversation.id, fresh };
    const { id: command, done } = rpc.stream("chat", payload, (events) =>
      update((before) => withEvents(before, events, Date.now()), "soon"));
    markRunning(conversation.id, id, command);
    try {
      const result = await done;
      update((before) => finished(before, result, Date.now()), "now");
      model.announcement.value = t`Answer complete.`;
    } catch (error) {
      const failure = failureOf(error);
      update((before) => failed(before, failure, Date.now()), "now");
      model.announcement.value = failure.type === "Cancelled" ? t`Answer stopped.` : failure.message;
    } finally {
      markRunning(conversation.id, id, null);
    }
  }

  /** @param {Conversation} conversation @param {Answer[]} answers @param {{fresh?: boolean}} [how] */
  function runAll(conversation, answers, how) {
    model.announcement.value = "";
    conversations.showConversation(conversation);
    for (const { id } of answers) void run(conversation, id, how);
  }

  /** @returns {boolean} */
  function isBusy() {
    return (model.conversation.value?.id ?? "") in model.running.value;
  }

  /**
   * @param {string} id
   * @returns {Answer | null} one of the open conversation that is complete
   */
  function answerOf(id) {
    const message = model.conversation.value?.messages[id];
    return message?.role === "assistant" && !isRunning(message) ? message : null;
  }

  return {
    /**
     * @param {string} text
     * @param {Attachment[]} [attachments]
     * @returns {Promise<boolean>} whether it was taken; where it was not, a toast has said why
     */
    async send(text, attachments = []) {
      await loaded;
      // Before it is known which models there are, none may be chosen.
      if (!model.model.value) await catalogued();
      const conversation = conversations.currentConversation();
      if (!(text.trim() || attachments.length) || isBusy()) return false;
      const models = [model.model.value, ...model.comparedModels.value];
      const answers = freshAnswers(models);
      if (!answers.length) return false;
      const said = { id: crypto.randomUUID(), created: Date.now(), content: text,
        ...(attachments.length && { attachments }), ...(models.length > 1 && { compared: models }) };
      runAll(asked(conversation, said, answers), answers);
      return true;
    },

    /**
     * @param {string} id  of the answer in whose place another is wanted
     * @param {string} [from]  the model to ask; the chosen one, or in a comparison the same one
     */
    retry(id, from) {
      const conversation = model.conversation.value;
      const before = answerOf(id);
      if (!conversation || !before) return;
      const question = before.parent ? conversation.messages[before.parent] : undefined;
      const isCompared = question?.role === "user" && (question.compared?.length ?? 0) > 1;
      const answers = freshAnswers([from ?? (isCompared ? before.model : model.model.value)]);
      if (answers.length) runAll(askedAgain(conversation, id, answers[0]), answers, { fresh: true });
    },

    /** @param {string} id  of an answer that broke off */
    goOn(id) {
      const conversation = model.conversation.value;
      const before = answerOf(id);
      if (!conversation || !before || !isUnfinished(before)) return;
      model.announcement.value = "";
      conversations.showConversation(withAnswer(conversation, id, continued));
      void run(conversation, id, { isContinued: true });
    },

    /**
     * Says something else in a message's place; what was said, and all that followed, stays beside it.
     *
     * @param {string} id  of the message
     * @param {string} text
     * @returns {boolean} whether it was sent
     */
    resend(id, text) {
      const conversation = model.conversation.value;
      const before = conversation?.messages[id];
      if (!conversation || before?.role !== "user" || isBusy() || !(text.trim() || before.attachments?.length)) return false;
      const answers = freshAnswers(before.compared ?? [model.model.value]);
      if (!answers.length) return false;
      const said = { ...before, id: crypto.randomUUID(), created: Date.now(), content: text };
      runAll(asked(conversation, said, answers, before.parent), answers);
      return true;
    },

    /** @param {string} id @param {"earlier" | "later"} direction */
    turn(id, direction) {
      const { id: open } = model.conversation.value ?? {};
      if (open) conversations.changeConversation(open, (before) => turned(before, id, direction), "now");
    },

    /** @param {string} id  of the compared answer that the conversation goes on from */
    prefer(id) {
      const { id: open } = model.conversation.value ?? {};
      if (open) conversations.changeConversation(open, (before) => goingOnFrom(before, id), "now");
    },

    /** Stops every answer of the open conversation. */
    stop() {
      const running = model.running.value[model.conversation.value?.id ?? ""] ?? {};
      for (const target of Object.values(running)) {
        rpc.call("stop", { target }).catch((error) => toast(failureOf(error).message));
      }
    },
  };
}
