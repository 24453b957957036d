// @ts-check
import { isApple } from "./platforms.js";
import { ConversationList } from "../chat/conversation_list.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { t } from "../../words.js";
import { ChatIcon, InsightsIcon, KeyIcon, Logo, RelayIcon, RulesIcon, SettingsIcon }
  from "../parts/icons.js";

const LINKS = [
  { view: "chat", name: () => t`Chat`, Icon: ChatIcon },
  { view: "providers", name: () => t`Providers`, Icon: KeyIcon },
  { view: "relays", name: () => t`Relays`, Icon: RelayIcon },
  { view: "rules", name: () => t`Rules`, Icon: RulesIcon },
  { view: "insights", name: () => t`Insights`, Icon: InsightsIcon },
  { view: "settings", name: () => t`Settings`, Icon: SettingsIcon },
];

export function Sidebar() {
  const { model } = useApp();
  const close = () => { model.menuOpen.value = false; };
  return html`
    <div class="side" id="side">
      <p class="brand"><${Logo} /> Sidestep</p>
      <nav aria-label=${t`Main`}>
        ${LINKS.map(({ view, name, Icon }) => html`
          <a href="#${view}" key=${view} aria-current=${model.view.value === view ? "page" : null} onClick=${close}>
            <${Icon} /> ${name()}
          </a>`)}
      </nav>
      <${ConversationList} close=${close} />
      <button type="button" class="quiet palette-button" onClick=${() => { model.dialog.value = { kind: "palette" }; }}>
        ${t`Commands`} <kbd>${isApple() ? "⌘" : "Ctrl"} K</kbd></button>
    </div>`;
}
