// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Conversation } from "../state/conversations.js"
 * @import { Keeper } from "./keeper.js"
 */
import { newConversation, resumed, summaryOf, withSummary } from "../state/conversations.js";

/**
 * Conversations in memory, open or still being answered in the background, and their copies in storage.
 *
 * @param {{model: PageModel, keeper: Keeper, toast: (text: string, undo?: () => unknown) => void}} app
 */
export function conversationActions({ model, keeper, toast }) {
  /** @type {Map<string, Conversation>} every conversation touched since the page was opened */
  const touched = new Map();

  /**
   * @param {string} id
   * @returns {Promise<Conversation | undefined>}
   */
  async function find(id) {
    const stored = touched.get(id) ?? (await keeper.use((store) => store.conversation(id)));
    return stored && !touched.has(id) ? resumed(stored) : stored;
  }

  /** @param {Conversation} conversation */
  function show(conversation) {
    model.conversation.value = conversation;
    touched.set(conversation.id, conversation);
    void keeper.saveSetting("conversation", conversation.id);
  }

  /** @param {Conversation} conversation */
  function put(conversation) {
    touched.set(conversation.id, conversation);
    if (model.conversation.value?.id === conversation.id) model.conversation.value = conversation;
  }

  return {
    newChat() {
      model.conversation.value = null;
      void keeper.saveSetting("conversation", "");
    },

    /** @returns {Conversation} the open conversation, begun now if there is none */
    currentConversation() {
      return model.conversation.value ?? newConversation(crypto.randomUUID(), Date.now());
    },

    /** @param {string} id */
    async openConversation(id) {
      const conversation = await find(id);
      if (conversation) show(conversation);
    },

    /** @param {Conversation} conversation */
    showConversation(conversation) {
      show(conversation);
      model.conversations.value = withSummary(model.conversations.value, summaryOf(conversation));
      void keeper.save(conversation);
    },

    /**
     * @param {string} id
     * @param {(conversation: Conversation) => Conversation} change
     * @param {"now" | "soon"} saved
     */
    changeConversation(id, change, saved) {
      const before = touched.get(id);
      if (!before) return;
      const after = change(before);
      put(after);
      if (saved === "now") void keeper.save(after);
      else keeper.saveSoon(after);
    },

    /** @param {string} id */
    async deleteConversation(id) {
      const conversation = await find(id);
      if (!conversation) return;
      const wasOpen = model.conversation.value?.id === id;
      model.conversations.value = model.conversations.value.filter((summary) => summary.id !== id);
      if (wasOpen) this.newChat();
      touched.delete(id);
      await keeper.forget(id);
      toast(`Deleted “${conversation.title}”.`, () => {
        model.conversations.value = withSummary(model.conversations.value, summaryOf(conversation));
        touched.set(id, conversation);
        void keeper.save(conversation);
        if (wasOpen) show(conversation);
      });
    },
  };
}
