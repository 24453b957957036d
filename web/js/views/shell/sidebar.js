// @ts-check
/** @import { Summary } from "../../state/conversations.js" */
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { t } from "../../words.js";
import { ChatIcon, InsightsIcon, KeyIcon, Logo, PlusIcon, RelayIcon, RulesIcon, SettingsIcon, TrashIcon }
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
      <nav aria-label="Main">
        ${LINKS.map(({ view, name, Icon }) => html`
          <a href="#${view}" key=${view} aria-current=${model.view.value === view ? "page" : null} onClick=${close}>
            <${Icon} /> ${name()}
          </a>`)}
      </nav>
      <${Conversations} close=${close} />
    </div>`;
}

/** @param {{close: () => void}} props */
function Conversations({ close }) {
  const { model, actions } = useApp();
  const begin = () => {
    actions.conversations.newChat();
    toChat(close);
  };
  return html`
    <div class="conversations">
      <button type="button" class="new-chat" onClick=${begin}><${PlusIcon} /> New chat</button>
      ${model.conversations.value.length > 0 && html`
        <h2 class="side-title" id="earlier">Conversations</h2>
        <ul aria-labelledby="earlier">
          ${model.conversations.value.map((summary) =>
            html`<${ConversationItem} key=${summary.id} summary=${summary} close=${close} />`)}
        </ul>`}
    </div>`;
}

/** @param {{summary: Summary, close: () => void}} props */
function ConversationItem({ summary: { id, title }, close }) {
  const { model, actions } = useApp();
  const isOpen = model.conversation.value?.id === id && model.view.value === "chat";
  const open = async () => {
    await actions.conversations.openConversation(id);
    toChat(close);
  };
  return html`
    <li class=${isOpen ? "open" : ""}>
      <button type="button" class="conversation" aria-current=${isOpen ? "true" : null} onClick=${open}>${title}</button>
      <button type="button" class="quiet square" aria-label=${`Delete “${title}”`}
        onClick=${() => actions.conversations.deleteConversation(id)}><${TrashIcon} /></button>
    </li>`;
}

/** @param {() => void} close */
function toChat(close) {
  close();
  location.hash = "#chat";
  document.getElementById("message")?.focus();
}
