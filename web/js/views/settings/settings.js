// @ts-check
import { t } from "../../words.js";
import { html } from "../parts/html.js";
import { About } from "./about.js";
import { KeySettings } from "./key_settings.js";
import { HistorySettings } from "./history_settings.js";
import { LookSettings } from "./look_settings.js";
import { MovingSettings } from "./moving_settings.js";
import { PythonSettings } from "./python_settings.js";
import { DataSettings } from "./data_settings.js";

export function Settings() {
  return html`
    <section class="page settings">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Settings`}</h1>
          <p>${t`How this page looks, speaks and keeps your keys.`}</p></div>
      </header>
      <${KeySettings} />
      <${LookSettings} />
      <${MovingSettings} />
      <${HistorySettings} />
      <${DataSettings} />
      <${PythonSettings} />
      <${About} />
    </section>`;
}
