// @ts-check
/** @import { Theme } from "../../preferences.js" */
import { LANGUAGES, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { SelectInput } from "../parts/inputs.js";
import { ShortcutChoice } from "../parts/shortcut_choice.js";
import { Section } from "./section.js";

/** @type {Record<Theme, () => string>} */
const THEMES = { system: () => t`As the system has it`, light: () => t`Light`, dark: () => t`Dark` };

export function LookSettings() {
  const { model, actions } = useApp();
  const { theme, language } = model.preferences.value;
  return html`
    <${Section} id="look" title=${t`Look and language`}>
      <div class="fields">
        <${SelectInput} name="theme" label=${t`Colours`} value=${theme}
          options=${Object.entries(THEMES).map(([value, name]) => ({ value, name: name() }))}
          onChange=${(/** @type {Theme} */ chosen) => void actions.preferences.prefer({ theme: chosen })} />
        <${SelectInput} name="language" label=${t`Language`} value=${language}
          options=${[{ value: "", name: t`As the browser has it` },
            ...Object.entries(LANGUAGES).map(([value, name]) => ({ value, name }))]}
          onChange=${(/** @type {any} */ chosen) => void actions.preferences.prefer({ language: chosen })} />
      </div>
      <${ShortcutChoice} />
      <button type="button" class="link" onClick=${() => { model.dialog.value = { kind: "shortcuts" }; }}>
        ${t`All keyboard shortcuts`}</button>
    <//>`;
}
