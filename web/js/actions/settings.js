// @ts-check
/**
 * @import { Config, Consent, Knowledge, Problem, Provider, Relay, Tested, TrialOutcome } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Pairing } from "../state/pairings.js"
 * @import { Custody, SecretKind } from "../vaults.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */
import { failureOf } from "../rpc.js";
import { freeId, restored, withConsent, withoutConsent, withoutProvider, withoutRelay, withProvider, withRelay } from "../state/configs.js";
import { GROUP, providerName } from "../state/models.js";
import { moved } from "../state/policies.js";
import { pairedSealing } from "../state/pairings.js";
import { t } from "../words.js";

const CATALOGUE = new URL("../../catalogue.json", import.meta.url);

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {Keeper} app.keeper
 * @param {Tabs} app.tabs
 * @param {ReturnType<typeof import("./secrets.js").secretActions>} app.secrets
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 * @param {(work: Promise<unknown>) => Promise<unknown>} app.reported
 * @param {string} app.origin  the page's own
 */
export function settingsActions({ model, rpc, keeper, tabs, secrets, toast, reported, origin }) {
  /** @type {Knowledge} what was stored; given to Python once, which knows better from then on */
  let stored = {};

  async function configure() {
    const knowledge = stored;
    stored = {};
    const { problems } = await rpc.call("configure",
      { config: model.config.value, secrets: secrets.plain(), knowledge, models: model.models.value,
        page_origin: origin });
    model.problems.value = problems;
    await explainAll();
  }

  async function explainAll() {
    const explained = await Promise.allSettled(model.config.value.providers.map(explain));
    model.explanations.value = Object.fromEntries(
      explained.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
    model.overview.value = await rpc.call("overview", {});
  }

  /** @param {Provider} provider */
  async function explain({ id }) {
    const group = model.modelGroups.value.find((candidate) => candidate.id === id);
    const explanation = await rpc.call("explain", { model: `${id}/${group?.models[0]?.id ?? "any"}` });
    return /** @type {const} */ ([id, explanation]);
  }

  /** What is set up now can be returned to. Said before its keys change, where they do. */
  function remember() {
    const { value } = model.config;
    void keeper.use((store) => store.remember(value));
  }

  /** @param {Config} config */
  function adopt(config) {
    remember();
    settle(config);
  }

  /**
   * Python need not be awaited: it takes commands in order, so whatever is sent next meets the new configuration.
   *
   * @param {Config} config
   */
  function settle(config) {
    model.config.value = config;
    void keeper.saveSetting("config", config);
    tabs.tell({ config });
    void reported(configure());
  }

  tabs.listen((news) => {
    if (!("config" in news)) return;
    model.config.value = news.config;
    void reported(configure());
  });

  /**
   * Takes a provider or relay out, and offers to put everything that belonged to it back.
   *
   * @param {SecretKind} kind
   * @param {string} id
   * @param {Config} remaining
   * @param {string} name
   */
  async function remove(kind, id, remaining, name) {
    const before = model.config.value;
    remember();
    const putBack = await secrets.takeOut(kind, id);
    toast(t`Removed ${name}.`, async () => {
      await putBack();
      adopt(restored(model.config.value, before, kind, id));
    });
    settle(remaining);
  }

  /**
   * @param {Relay} relay
   * @param {string} token
   * @param {Custody} custody
   */
  async function storeRelay(relay, token, custody) {
    remember();
    await secrets.put("relays", relay.id, { value: token, custody });
    const config = withRelay(model.config.value, relay);
    settle(new URL(relay.url).origin === origin ? withConsent(config, { relay: relay.id, provider: "*" }) : config);
  }

  return {
    adopt,
    settle,
    remember,
    explainAll,

    configure,

    /** @param {{config: Config | undefined, knowledge: Knowledge}} before */
    begin(before) {
      if (before.config) model.config.value = before.config;
      stored = before.knowledge;
      void reported(configure());
    },

    /** From the file that the build wrote, so that adding a provider need not wait for Python. */
    async loadCatalogue() {
      const response = await fetch(CATALOGUE);
      if (!response.ok) throw new Error(t`The list of providers did not load (${response.status}). Reload the page.`);
      model.catalogue.value = await response.json();
    },

    /**
     * @param {Provider} provider  with an empty id where it is new
     * @param {string} typedKey  empty to keep the one there is
     * @param {Custody} custody
     * @returns {Promise<{problems: Problem[], notes: string[], id: string}>} saved where there is no problem
     */
    async saveProvider(provider, typedKey, custody) {
      const taken = [GROUP, ...model.config.value.providers.map(({ id }) => id)];
      const id = provider.id || freeId(provider.kind === "custom" ? provider.name : provider.kind, taken);
      const kept = secrets.find("providers", id);
      const checked = await rpc.call("check_provider", { provider: { ...provider, id }, api_key: typedKey || kept?.value || "" });
      // A key that is locked is there, though nobody can see it now.
      const isLocked = !typedKey && kept?.value === "";
      checked.problems = checked.problems.filter(({ field }) => !(isLocked && field === "api_key"));
      if (!checked.problems.length) {
        remember();
        await secrets.put("providers", id, { value: checked.api_key, custody });
        settle(withProvider(model.config.value, checked.provider));
      }
      return { problems: checked.problems, notes: checked.notes, id };
    },

    /**
     * Python has nothing to check in it, so that what is asked of it next need not wait.
     *
     * @returns {Provider} the provider that answers in this page, added where it is not there
     */
    ensureDemo() {
      const { providers } = model.config.value;
      const known = providers.find(({ kind }) => kind === "demo");
      if (known) return known;
      const id = freeId("demo", [GROUP, ...providers.map((provider) => provider.id)]);
      const demo = { id, kind: "demo", name: t`Demo`, base_url: "", dialect: "", headers: {},
        route: /** @type {const} */ ("direct"), models: [] };
      adopt(withProvider(model.config.value, demo));
      return demo;
    },

    /**
     * Tries every way to a provider as it stands in a form, saved or not.
     * What was learned is to be explained by the caller.
     *
     * @param {Provider} provider
     * @param {string} typedKey  empty for the one there is
     * @param {(steps: Tested[]) => void} onTested
     * @returns {{done: Promise<{problems: Problem[], outcomes: TrialOutcome[], failure: string}>, stop: () => void}}
     */
    tryProvider(provider, typedKey, onTested) {
      const taken = model.config.value.providers.map(({ id }) => id);
      const id = provider.id || freeId(provider.kind === "custom" ? provider.name : provider.kind, [GROUP, ...taken]);
      const key = typedKey || secrets.find("providers", id)?.value || "";
      let stop = () => {};
      const run = async () => {
        const checked = await rpc.call("check_provider", { provider: { ...provider, id }, api_key: key });
        if (checked.problems.length) return { problems: checked.problems, outcomes: [], failure: "" };
        const payload = { provider: checked.provider, api_key: checked.api_key };
        const { id: target, done } = rpc.stream("test_provider", payload, onTested);
        stop = () => void rpc.call("stop", { target }).catch(() => {});
        try {
          return { problems: [], outcomes: (await done).outcomes, failure: "" };
        } catch (error) {
          return { problems: [], outcomes: [], failure: failureOf(error).message };
        }
      };
      return { done: run(), stop: () => stop() };
    },

    /**
     * Does so, and explains what was learned.
     *
     * @param {Provider} provider
     * @param {string} typedKey
     * @param {(steps: Tested[]) => void} onTested
     */
    testProvider(provider, typedKey, onTested) {
      const { done, stop } = this.tryProvider(provider, typedKey, onTested);
      void done.then(explainAll).catch(() => {});
      return { done, stop };
    },

    /** @param {string} id */
    async removeProvider(id) {
      await remove("providers", id, withoutProvider(model.config.value, id), providerName(model.modelGroups.value, id));
    },

    /**
     * @param {Relay} relay  with an empty id where it is new
     * @param {string} typedToken  empty to keep the one there is
     * @param {Custody} custody
     * @returns {Promise<{problems: Problem[], notes: string[], id: string}>}
     */
    async saveRelay(relay, typedToken, custody) {
      const taken = model.config.value.relays.map(({ id }) => id);
      const id = relay.id || freeId(relay.name || relay.url.replace(/^https?:\/\//, ""), taken);
      const token = typedToken || secrets.find("relays", id)?.value || "";
      const checked = await rpc.call("check_relay", { relay: { ...relay, id }, token });
      if (!checked.problems.length) await storeRelay(checked.relay, checked.token, custody);
      return { problems: checked.problems, notes: checked.notes, id };
    },

    /** @param {string} id */
    async removeRelay(id) {
      const relay = model.config.value.relays.find((candidate) => candidate.id === id);
      await remove("relays", id, withoutRelay(model.config.value, id), relay?.name ?? id);
    },

    /** @param {number} from @param {number} to */
    moveRelay(from, to) {
      const { relays } = model.config.value;
      if (to >= 0 && to < relays.length) adopt({ ...model.config.value, relays: moved(relays, from, to) });
    },

    /** @param {string} id */
    async testRelay(id) {
      const relay = model.config.value.relays.find((candidate) => candidate.id === id);
      if (!relay) return;
      /** @param {import("../model.js").RelayTest} test */
      const publish = (test) => { model.relayTests.value = { ...model.relayTests.value, [id]: test }; };
      publish({ state: "testing" });
      try {
        const found = await rpc.call("test_relay", { relay, token: secrets.find("relays", id)?.value ?? "" });
        publish({ state: "ok", version: found.version, latency: found.latency_ms, providers: found.providers,
          isKeyNew: found.is_key_new, limits: found.limits ?? {}, at: Date.now() });
      } catch (error) {
        const { message, remedy } = failureOf(error);
        publish({ state: "failed", message, remedy });
      }
    },

    /**
     * A relay's pairing takes the place of an earlier one at the same address.
     *
     * @param {Pairing} pairing
     */
    pair(pairing) {
      const { url, token, name } = pairing;
      const known = this.findPaired(pairing);
      const id = known?.id ?? freeId(name, model.config.value.relays.map((relay) => relay.id));
      const sealing = pairedSealing(known, pairing, { canSeal: isSecureContext });
      return storeRelay({ ...known, id, name, url, ...sealing }, token, model.keptBy.value);
    },

    /** @param {Pairing} pairing */
    findPaired({ url }) {
      return model.config.value.relays.find((relay) => new URL(relay.url).href === new URL(url).href);
    },

    /** @param {string} id  a provider, whose direct way is not tried any more */
    routeThroughRelays(id) {
      const before = model.config.value;
      const provider = before.providers.find((candidate) => candidate.id === id);
      if (!provider) return;
      adopt(withProvider(before, { ...provider, route: "relay" }));
      const name = providerName(model.modelGroups.value, id);
      toast(t`${name} is asked through relays only.`, () => adopt(withProvider(model.config.value, provider)));
    },

    /** @param {Consent} consent */
    grant(consent) {
      adopt(withConsent(model.config.value, consent));
    },

    /** @param {Consent} consent */
    revoke(consent) {
      adopt(withoutConsent(model.config.value, consent));
      toast(t`Revoked.`, () => this.grant(consent));
    },

    /** @param {string} provider */
    async tryDirectAgain(provider) {
      await rpc.call("forget_evidence", { provider });
      await explainAll();
    },
  };
}
