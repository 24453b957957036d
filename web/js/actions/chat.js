// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Answer } from "../state/answers.js"
 * @import { Conversation } from "../state/conversations.js"
 * @import { conversationActions } from "./conversations.js"
 */
import { failureOf } from "../rpc.js";
import { failed, finished, isRunning, newAnswer, withEvents } from "../state/answers.js";
import { asked, askedAgain, turned, wireMessages, withAnswer } from "../state/conversations.js";

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {ReturnType<typeof conversationActions>} app.conversations
 * @param {Promise<void>} app.loaded  settled once stored settings are in place
 * @param {(text: string) => void} app.toast
 */
export function chatActions({ model, rpc, conversations, loaded, toast }) {
  /**
   * @param {string} from  the model to ask
   * @returns {Answer | null}
   */
  function freshAnswer(from) {
    if (from) return newAnswer(crypto.randomUUID(), from);
    toast(model.config.value.providers.length ? "Choose a model first." : "Add a provider first.");
    return null;
  }

  /**
   * @param {Conversation} conversation  its last message is the answer to be filled
   * @param {Answer} answer
   * @param {boolean} fresh  whether it must not be a kept answer, nor another call's
   */
  async function run(conversation, answer, fresh) {
    const { id } = conversation;
    conversations.showConversation(conversation);
    /** @param {(answer: Answer) => Answer} change @param {"now" | "soon"} saved */
    const update = (change, saved) =>
      conversations.changeConversation(id, (before) => withAnswer(before, answer.id, change), saved);
    const messages = wireMessages(conversation.messages.slice(0, -1), answer.model);
    const payload = { model: answer.model, messages, parameters: {}, conversation: id, fresh };
    const { id: command, done } = rpc.stream("chat", payload, (events) =>
      update((before) => withEvents(before, events), "soon"));
    model.running.value = { ...model.running.value, [id]: { command, answer: answer.id } };
    try {
      const result = await done;
      update((before) => finished(before, result), "now");
      model.announcement.value = "Answer complete.";
    } catch (error) {
      const failure = failureOf(error);
      update((before) => failed(before, failure), "now");
      model.announcement.value = failure.type === "Cancelled" ? "Answer stopped." : failure.message;
    } finally {
      const { [id]: _, ...others } = model.running.value;
      model.running.value = others;
    }
  }

  return {
    /**
     * @param {string} text
     * @returns {Promise<boolean>} whether it was taken; where it was not, a toast has said why
     */
    async send(text) {
      await loaded;
      const conversation = conversations.currentConversation();
      if (!text.trim() || model.running.value[conversation.id]) return false;
      const answer = freshAnswer(model.model.value);
      if (!answer) return false;
      model.announcement.value = "";
      void run(asked(conversation, text, answer, { id: crypto.randomUUID(), now: Date.now() }), answer, false);
      return true;
    },

    /** @param {string} [from]  the model to ask, if not the chosen one */
    retry(from = model.model.value) {
      const conversation = model.conversation.value;
      const last = conversation?.messages.at(-1);
      if (!conversation || last?.role !== "assistant" || isRunning(last)) return;
      const answer = freshAnswer(from);
      if (answer) void run(askedAgain(conversation, answer), answer, true);
    },

    /** @param {string} id @param {"earlier" | "later"} direction */
    turn(id, direction) {
      const conversation = model.conversation.value;
      if (conversation) {
        conversations.changeConversation(
          conversation.id, (before) => withAnswer(before, id, (answer) => turned(answer, direction)), "now");
      }
    },

    stop() {
      const running = model.running.value[model.conversation.value?.id ?? ""];
      if (running) rpc.call("stop", { target: running.command }).catch((error) => toast(failureOf(error).message));
    },
  };
}
