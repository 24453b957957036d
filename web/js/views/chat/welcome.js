// @ts-check
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";

export function Welcome() {
  const { model } = useApp();
  if (model.config.value.providers.length) {
    return html`<div class="welcome"><p class="welcome-title">What is on your mind?</p></div>`;
  }
  return html`
    <div class="welcome">
      <p class="welcome-title">Chat with any model, straight from this page.</p>
      <ol class="steps">
        <li><strong>Add a provider</strong> with an API key of your own. The key stays in this browser.</li>
        <li><strong>Write a message.</strong> It goes to the provider directly, without a server in between.</li>
        <li><strong>If a provider refuses browsers,</strong> your own relay takes it around the block, when you allow it.</li>
      </ol>
      <button type="button" class="primary big" onClick=${() => { model.dialog.value = { kind: "provider", id: null }; }}>
        <${PlusIcon} /> Add provider</button>
    </div>`;
}
