// @ts-check
/**
 * @import { ChatSettings, PageModel } from "../model.js"
 * @import { Conversation, Head } from "../state/conversations.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */
import { batch } from "@preact/signals";
import { saveFile } from "../files.js";
import { branched, headOf, newConversation, resumed, withHead } from "../state/conversations.js";
import { fileName, writeJson, writeMarkdown } from "../state/exports.js";
import { findMatches } from "../state/searches.js";
import { readDrafts, saveDraft } from "../store.js";
import { t } from "../words.js";

/** @typedef {import("../state/searches.js").Match} Match */

/**
 * Conversations in memory, open or still being answered in the background, and their copies in storage.
 *
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Keeper} app.keeper
 * @param {Tabs} app.tabs
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 */
export function conversationActions({ model, keeper, tabs, toast }) {
  /** @type {Map<string, Conversation>} every conversation touched since the page was opened */
  const touched = new Map();
  /** @type {AbortController | undefined} of the search that is under way */
  let search;

  tabs.listen((news) => {
    if ("saved" in news) void refresh(news.saved);
    if ("deleted" in news) drop(news.deleted);
  });

  /**
   * @param {string} id
   * @returns {Promise<Conversation | undefined>}
   */
  async function find(id) {
    const known = touched.get(id);
    if (known) return known;
    const stored = await keeper.conversation(id);
    return stored && resumed(stored);
  }

  /**
   * Another tab has written it. What this tab is still being answered is its own.
   *
   * @param {string} id
   */
  async function refresh(id) {
    if (id in model.running.value) return;
    const stored = await keeper.conversation(id);
    if (!stored || id in model.running.value) return;
    if (touched.has(id)) put(stored);
    model.conversations.value = withHead(model.conversations.value, headOf(stored));
  }

  /** @param {string} id */
  function drop(id) {
    touched.delete(id);
    model.conversations.value = model.conversations.value.filter((head) => head.id !== id);
    if (model.conversation.value?.id === id) newChat();
  }

  /**
   * Opens another conversation, or a new one: what is typed stays with the one before, what was typed for this one comes
   * back. All at once, since a draft is saved under the conversation that is open.
   *
   * @param {Conversation | null} conversation
   */
  function turnTo(conversation) {
    const id = conversation?.id ?? "";
    saveDraft(model.conversation.value?.id ?? "", model.draft.value);
    batch(() => {
      model.conversation.value = conversation;
      model.draft.value = readDrafts()[id] ?? "";
      model.attachments.value = model.keptAttachments.value[id] ?? [];
    });
  }

  /** @param {Conversation} conversation */
  function show(conversation) {
    if (model.conversation.value?.id === conversation.id) model.conversation.value = conversation;
    else turnTo(conversation);
    touched.set(conversation.id, conversation);
    void keeper.saveSetting("conversation", conversation.id);
  }

  /** @param {Conversation} conversation */
  function put(conversation) {
    touched.set(conversation.id, conversation);
    if (model.conversation.value?.id === conversation.id) model.conversation.value = conversation;
  }

  /** @param {Conversation} conversation */
  function begin(conversation) {
    model.conversation.value = conversation;
    saveDraft("", "");
    model.beginning.value = { system: "", parameters: {} };
    void keeper.saveSetting("beginning", model.beginning.value);
  }

  function newChat() {
    turnTo(null);
    void keeper.saveSetting("conversation", "");
  }

  /** @param {Conversation} conversation */
  function keep(conversation) {
    put(conversation);
    model.conversations.value = withHead(model.conversations.value, headOf(conversation));
    void keeper.save(conversation);
  }

  /**
   * @param {string} id
   * @param {(conversation: Conversation) => Conversation} change
   */
  async function changeAny(id, change) {
    const conversation = await find(id);
    if (conversation) keep(change(conversation));
  }

  return {
    newChat,

    /** @returns {Conversation} the open conversation, begun now if there is none */
    currentConversation() {
      return model.conversation.value
        ?? { ...newConversation(crypto.randomUUID(), Date.now()), ...model.beginning.value };
    },

    /** @param {Partial<ChatSettings>} settings  of the open chat, or of the next new one */
    setUp(settings) {
      const { id } = model.conversation.value ?? {};
      if (id) return this.changeConversation(id, (before) => ({ ...before, ...settings }), "soon");
      model.beginning.value = { ...model.beginning.value, ...settings };
      void keeper.saveSetting("beginning", model.beginning.value);
    },

    /**
     * @param {string} id
     * @param {string} [message]  the one to be looked at
     */
    async openConversation(id, message) {
      const conversation = await find(id);
      if (!conversation) return;
      show(conversation);
      model.sought.value = message ?? null;
    },

    /** What was not taken goes before what was typed since. @param {string} text */
    giveBack(text) {
      model.draft.value = [text, model.draft.value].filter(Boolean).join("\n\n");
    },

    /**
     * At the page's start: what was typed while this was read goes before what was left there the last time.
     *
     * @param {string} [id]  none where a new chat was open
     */
    async reopen(id) {
      const conversation = id ? await find(id) : undefined;
      if (conversation) touched.set(conversation.id, conversation);
      batch(() => {
        model.conversation.value = conversation ?? null;
        model.draft.value ||= readDrafts()[conversation?.id ?? ""] ?? "";
      });
    },

    /** @param {Conversation} conversation */
    showConversation(conversation) {
      // What was typed for the new chat has just become this one's first message.
      if (!model.conversation.value) begin(conversation);
      show(conversation);
      keep(conversation);
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

    /** @param {string} id @param {string} title */
    rename: (id, title) => changeAny(id, (conversation) => ({ ...conversation, title: title.trim() || conversation.title })),

    /** @param {Head} head */
    togglePin: ({ id }) => changeAny(id, (conversation) => ({ ...conversation, isPinned: !conversation.isPinned })),

    /** @param {string} id  of the message that is the last one taken along */
    branch(id) {
      const conversation = model.conversation.value;
      if (!conversation) return;
      const title = t`${conversation.title} (branch)`;
      const copy = branched(conversation, id, { id: crypto.randomUUID(), title, now: Date.now() });
      show(copy);
      keep(copy);
      toast(t`This is a chat of its own now. The other one stays as it was.`);
    },

    /** @param {string} id */
    async deleteConversation(id) {
      const conversation = await find(id);
      if (!conversation) return;
      const wasOpen = model.conversation.value?.id === id;
      drop(id);
      await keeper.forget(id);
      toast(t`Deleted “${conversation.title}”.`, () => {
        keep(conversation);
        if (wasOpen) show(conversation);
      });
    },

    /** @param {string} id @param {"markdown" | "json"} form */
    async exportConversation(id, form) {
      const conversation = await find(id);
      if (!conversation) return;
      const [text, type, ending] = form === "json"
        ? [writeJson(conversation), "application/json", "json"]
        : [writeMarkdown(conversation), "text/markdown", "md"];
      saveFile(`${fileName(conversation.title)}.${ending}`, text, type);
    },

    /**
     * Looks for words in all that was said in all conversations.
     *
     * @param {string} words
     * @param {(matches: Match[]) => void} found  called as they are found
     */
    async search(words, found) {
      search?.abort();
      search = new AbortController();
      const { signal } = search;
      if (words.trim()) {
        await keeper.use((store) => store.readMessages((rows) => found(findMatches(rows, words)), signal));
      }
      return !signal.aborted;
    },
  };
}
