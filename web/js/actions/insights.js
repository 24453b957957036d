// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Attempt } from "../protocol.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Keeper } from "./keeper.js"
 */
import { saveFile } from "../files.js";
import { SPANS, writeCsv } from "../state/insights.js";

/** @param {{model: PageModel, rpc: Rpc, keeper: Keeper, loaded: Promise<void>}} app */
export function insightActions({ model, rpc, keeper, loaded }) {
  return {
    /** Reads what was measured and where keys went, when the view that shows it is opened. */
    async load() {
      await loaded;
      const since = Date.now() / 1000 - Math.max(...SPANS);
      model.attempts.value = (await keeper.use((store) => store.attempts(since))) ?? model.attempts.value ?? [];
      model.ledger.value = (await rpc.call("ledger", {})).entries;
    },

    /** @param {Attempt[]} attempts */
    add(attempts) {
      if (model.attempts.value) model.attempts.value = [...model.attempts.value, ...attempts];
    },

    /** @param {Attempt[]} attempts */
    saveCsv(attempts) {
      saveFile("sidestep-insights.csv", writeCsv(attempts), "text/csv");
    },
  };
}
