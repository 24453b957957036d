// @ts-check
import { providerOf } from "../../state/models.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { ChatIcon, KeyIcon, RelayIcon } from "../parts/icons.js";

/** What an empty chat says: how to begin, or what could be asked. */
export function Welcome() {
  const { model } = useApp();
  return model.config.value.providers.length ? html`<${Beginning} />` : html`<${FirstSteps} />`;
}

function FirstSteps() {
  const { model, actions } = useApp();
  return html`
    <div class="welcome">
      <p class="welcome-title">${t`Chat with any model, straight from this page.`}</p>
      <p class="welcome-text">${t`A question goes from this browser to the provider, with no server in between. Where a provider refuses browsers, your own relay takes it around the block.`}</p>
      <ul class="ways">
        <${Way} Icon=${ChatIcon} name=${t`Try the demo`} press=${actions.tryDemo} isFirst
          text=${t`Needs no key and sends nothing: it answers in this page, so that you can try everything at once.`} />
        <${Way} Icon=${KeyIcon} name=${t`Add provider`} press=${() => { model.dialog.value = { kind: "provider", id: null }; }}
          text=${t`OpenAI, Anthropic, Z.ai, a local Ollama and more, each with a key of your own. The key stays in this browser.`} />
        <${Way} Icon=${RelayIcon} name=${t`Host a relay`} press=${() => { location.hash = "#relays"; }}
          text=${t`One command on your computer, for providers that refuse pages. You can also do it later.`} />
      </ul>
    </div>`;
}

/** @param {{Icon: () => import("preact").VNode, name: string, text: string, press: () => void, isFirst?: boolean}} props */
function Way({ Icon, name, text, press, isFirst = false }) {
  return html`
    <li class="way">
      <button type="button" class=${isFirst ? "primary big" : "big"} onClick=${press}><${Icon} /> ${name}</button>
      <p>${text}</p>
    </li>`;
}

/** @type {Record<"demo" | "any", (() => string)[]>} */
const EXAMPLES = {
  demo: [() => t`What can you do?`, () => t`Show me a table`, () => t`Think about it first`, () => t`Pretend my key is a wrong key`,
    () => t`Break off in the middle`],
  any: [() => t`Explain CORS in three sentences`, () => t`Write a haiku about detours`,
    () => t`Plan a weekend in a city I have never seen`],
};

function Beginning() {
  const { model, actions } = useApp();
  const asked = model.config.value.providers.find(({ id }) => id === providerOf(model.model.value));
  const examples = EXAMPLES[asked?.kind === "demo" ? "demo" : "any"];
  return html`
    <div class="welcome">
      <p class="welcome-title">${t`What is on your mind?`}</p>
      <ul class="examples" aria-label=${t`Examples`}>
        ${examples.map((example) => html`
          <li key=${example()}><button type="button" onClick=${() => void actions.chat.send(example())}>${example()}</button></li>`)}
      </ul>
      ${asked?.kind === "demo" && html`
        <p class="hint">${t`The demo answers in this page. Add a provider of your own under Providers whenever you like.`}</p>`}
    </div>`;
}
