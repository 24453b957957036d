// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Keeper } from "./keeper.js"
 */

/** @typedef {{used: number, quota: number, isLasting: boolean, chats: number, messages: number}} DataSize  bytes, counts */

/** @param {{model: PageModel, keeper: Keeper}} app */
export function dataActions({ model, keeper }) {
  return {
    /** @returns {Promise<DataSize>} what the browser says this page takes, and how much it may */
    async measure() {
      const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
      const isLasting = (await navigator.storage?.persisted?.()) ?? false;
      const messages = (await keeper.use((store) => store.countMessages())) ?? 0;
      return { used: usage, quota, isLasting, chats: model.conversations.value.length, messages };
    },

    /** @returns {Promise<boolean>} whether the browser will not clear it by itself when it needs room */
    async makeLasting() {
      return (await navigator.storage?.persist?.()) ?? false;
    },
  };
}
