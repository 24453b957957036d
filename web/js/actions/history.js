// @ts-check
/**
 * Earlier configurations: each change keeps the one before it, with its keys as they were kept.
 *
 * @import { Config } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Earlier } from "../store.js"
 * @import { Keeper } from "./keeper.js"
 */
import { readdressed } from "../state/configs.js";
import { t } from "../words.js";

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Keeper} app.keeper
 * @param {ReturnType<typeof import("./secrets.js").secretActions>} app.secrets
 * @param {(config: Config) => void} app.adopt  takes a configuration without keeping the one before
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 */
export function historyActions({ model, keeper, secrets, adopt, toast }) {
  /** @param {number} id */
  async function takeUp(id) {
    const before = model.config.value;
    const earlier = await keeper.use((store) => store.returnTo(id, before));
    if (!earlier) throw new Error(t`That configuration is not kept any more.`);
    await secrets.takeUp(readdressed(before, earlier));
    adopt(earlier);
  }

  return {
    /** @returns {Promise<Earlier[]>} newest first, at most ten */
    list: async () => (await keeper.use((store) => store.earlier())) ?? [],

    /** @param {Earlier} earlier */
    async returnTo({ id }) {
      await takeUp(id);
      toast(t`The earlier configuration is back.`, async () => {
        const [newest] = await this.list();
        if (newest) await takeUp(newest.id);
      });
    },

    async forget() {
      await keeper.use((store) => store.forgetEarlier());
      toast(t`The earlier configurations are forgotten, with the keys in them.`);
    },
  };
}
