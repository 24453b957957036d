// @ts-check
/**
 * @import { Actions } from "../../actions/index.js"
 * @import { PageModel } from "../../model.js"
 */
import { useEffect, useRef } from "preact/hooks";
import { language, t } from "../../words.js";
import { Chat } from "../chat/chat.js";
import { Insights } from "../insights/insights.js";
import { AppContext, useApp } from "../parts/context.js";
import { Dialogs } from "./dialogs.js";
import { html } from "../parts/html.js";
import { Logo, MenuIcon } from "../parts/icons.js";
import { Providers } from "../providers/providers.js";
import { Relays } from "../relays/relays.js";
import { Rules } from "../rules/rules.js";
import { Settings } from "../settings/settings.js";
import { Sidebar } from "./sidebar.js";
import { OfflineNotice } from "./offline_notice.js";
import { Status } from "./status.js";
import { StorageNotice } from "./storage_notice.js";
import { Toasts } from "./toasts.js";
import { UpdateNotice } from "./update_notice.js";
import { useShortcuts } from "./use_shortcuts.js";
import { VaultNotice } from "./vault_notice.js";

/** As the style sheets have it. */
const NARROW = "(max-width: 760px)";
const VIEWS = { chat: Chat, providers: Providers, relays: Relays, rules: Rules, insights: Insights, settings: Settings };

/** @param {{model: PageModel, actions: Actions}} props */
export function App(props) {
  return html`<${AppContext.Provider} value=${props}><${Shell} key=${language()} /><//>`;
}

function Shell() {
  const { model } = useApp();
  const View = VIEWS[model.view.value];
  useFocusOnViewChange();
  useShortcuts();
  const isCovered = useDrawer();
  return html`
    <div class="shell ${model.menuOpen.value ? "menu-open" : ""}" onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") model.menuOpen.value = false;
    }}>
      <a class="skip" href="#main" onClick=${skipToMain}>${t`Skip to the content`}</a>
      <${TopBar} />
      <${Sidebar} />
      <${Status} />
      <div class="scrim" onClick=${() => { model.menuOpen.value = false; }}></div>
      <main id="main" tabindex="-1" inert=${isCovered}>
        <${OfflineNotice} />
        <${StorageNotice} />
        <${VaultNotice} />
        <${UpdateNotice} />
        ${model.python.value.phase === "failed" && html`<${PythonFailed} detail=${model.python.value.detail} />`}
        <${View} />
      </main>
    </div>
    <${Toasts} />
    <${Dialogs} />`;
}

function TopBar() {
  const { model } = useApp();
  return html`
    <header class="topbar">
      <button type="button" class="quiet square" aria-label=${t`Menu`} aria-expanded=${model.menuOpen.value}
        aria-controls="side" onClick=${() => { model.menuOpen.value = !model.menuOpen.value; }}><${MenuIcon} /></button>
      <span class="brand"><${Logo} /> Sidestep</span>
    </header>`;
}

/** @param {{detail: string}} props */
function PythonFailed({ detail }) {
  return html`
    <div class="notice notice-bad">
      <p>${detail}</p>
      <button type="button" onClick=${() => location.reload()}>${t`Reload the page`}</button>
    </div>`;
}

/** @param {MouseEvent} event */
function skipToMain(event) {
  // Not followed: the address's fragment names the view.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/**
 * On a narrow page the side bar lies over the rest: what is under it cannot be reached, and the focus goes into it.
 *
 * @returns {boolean} whether it lies over the page now
 */
function useDrawer() {
  const { model } = useApp();
  const isCovered = model.menuOpen.value && matchMedia(NARROW).matches;
  useEffect(() => {
    if (!isCovered) return undefined;
    /** @type {HTMLElement | null} */ (document.querySelector("#side a"))?.focus();
    return () => {
      // Back to the button, unless whatever closed it has put the focus elsewhere.
      const button = /** @type {HTMLElement | null} */ (document.querySelector(".topbar button"));
      if (document.activeElement === document.body || document.activeElement?.closest("#side")) button?.focus();
    };
  }, [isCovered]);
  return isCovered;
}

function useFocusOnViewChange() {
  const { model } = useApp();
  const view = model.view.value;
  const before = useRef(view);
  useEffect(() => {
    if (before.current === view) return;
    before.current = view;
    const wanted = model.wantedFocus.value;
    model.wantedFocus.value = "";
    const element = wanted ? document.getElementById(wanted) : document.querySelector("#main h1");
    /** @type {HTMLElement | null} */ (element)?.focus();
  }, [view]);
}
