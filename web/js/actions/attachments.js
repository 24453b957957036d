// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Attachment } from "../state/attachments.js"
 * @import { Keeper } from "./keeper.js"
 */
import { readPicture } from "../images.js";
import { MOST_ATTACHMENTS, decodeText, isImage, refusalOf } from "../state/attachments.js";
import { t } from "../words.js";

/**
 * What is attached to the message that is being written; kept with its draft.
 *
 * @param {{model: PageModel, keeper: Keeper, toast: (text: string) => void}} app
 */
export function attachmentActions({ model, keeper, toast }) {
  /** @param {Attachment[]} attachments */
  function set(attachments) {
    model.attachments.value = attachments;
    const conversation = model.conversation.value?.id ?? "";
    const { [conversation]: _, ...others } = model.keptAttachments.value;
    model.keptAttachments.value = attachments.length ? { ...others, [conversation]: attachments } : others;
    void keeper.saveSetting("attachments", model.keptAttachments.value);
  }

  /** @param {File} file @returns {Promise<Attachment | null>} */
  async function read(file) {
    const refusal = refusalOf(file);
    if (refusal) return refuse(refusal);
    return isImage(file) ? readImage(file) : readText(file);
  }

  /** @param {File} file */
  async function readImage(file) {
    const name = file.name || t`Picture`;
    try {
      const { data, type, size, from, to } = await readPicture(file);
      const note = to ? t`Made smaller to be sent: ${from.width}×${from.height} became ${to.width}×${to.height}.` : "";
      return { id: crypto.randomUUID(), kind: /** @type {const} */ ("image"), name, type, size, data, ...(note && { note }) };
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return refuse(t`“${name}” cannot be read as a picture by this browser.`);
    }
  }

  /** @param {File} file */
  async function readText(file) {
    const text = decodeText(new Uint8Array(await file.arrayBuffer()));
    if (text === null) return refuse(t`“${file.name}” is not a text. Images and text files can be sent.`);
    return { id: crypto.randomUUID(), kind: /** @type {const} */ ("text"), name: file.name, type: file.type || "text/plain",
      size: file.size, data: text };
  }

  /** @param {string} why */
  function refuse(why) {
    toast(why);
    return null;
  }

  return {
    /** @param {File[]} files  in their order; each that cannot be sent is said */
    async add(files) {
      const room = MOST_ATTACHMENTS - model.attachments.value.length;
      if (files.length > room) toast(t`At most ${MOST_ATTACHMENTS} files can be sent with one message.`);
      const conversation = model.conversation.value?.id;
      for (const file of files.slice(0, room)) {
        const attachment = await read(file);
        // The reader may have gone to another chat meanwhile.
        if (attachment && model.conversation.value?.id === conversation) set([...model.attachments.value, attachment]);
      }
    },

    /** @param {string} id */
    remove(id) {
      set(model.attachments.value.filter((attachment) => attachment.id !== id));
    },

    /** @returns {Attachment[]} what was attached; it goes with the message now */
    take() {
      const taken = model.attachments.value;
      if (taken.length) set([]);
      return taken;
    },

    putBack: set,
  };
}
