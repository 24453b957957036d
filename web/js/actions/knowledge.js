// @ts-check
/**
 * @import { Knowledge } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */
import { providerName } from "../state/models.js";
import { t } from "../words.js";

/** Python says which blocked ways are due, so that asking costs nothing where none is. */
const PROBE_EVERY_MS = 5 * 60 * 1000;

/**
 * What Python learned of the ways: kept, told to the other tabs, and looked at again when there is nothing else to do.
 *
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {Keeper} app.keeper
 * @param {Tabs} app.tabs
 * @param {(text: string) => void} app.toast
 * @param {ReturnType<typeof import("./insights.js").insightActions>} app.insights
 * @param {() => Promise<void>} app.explainAll
 */
export function knowledgeActions({ model, rpc, keeper, tabs, toast, insights, explainAll }) {
  tabs.listen((news) => {
    if ("knowledge" in news) rpc.call("learn", { knowledge: news.knowledge }).then(explainAll).catch(() => {});
  });

  async function probe() {
    const isBusy = Object.keys(model.running.value).length > 0 || document.hidden || !navigator.onLine;
    if (isBusy || model.python.value.phase !== "ready") return;
    const { opened } = await rpc.call("reprobe", {});
    for (const id of opened) {
      const name = providerName(model.modelGroups.value, id);
      toast(t`${name} answers this page directly again. The next message goes there without the relay.`);
    }
    if (opened.length) await explainAll();
  }

  return {
    /** @param {Knowledge} learned */
    learn(learned) {
      const { evidence, ledger, metrics } = learned;
      if (evidence) void keeper.saveSetting("evidence", evidence);
      if (ledger) void keeper.saveSetting("ledger", ledger);
      if (metrics) void keeper.use((store) => store.addMeasurements(metrics));
      if (metrics) insights.add(metrics);
      tabs.tell({ knowledge: learned });
      explainAll().catch(() => {});
    },

    /** Looks quietly at ways that were blocked, every now and then, while the page is seen and idle. */
    probeWhenIdle() {
      const wait = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ work) => setTimeout(work, 0));
      // What a quiet look fails at is nobody's business; the next message finds out for itself.
      setInterval(() => wait(() => { probe().catch(() => {}); }), PROBE_EVERY_MS);
    },
  };
}
