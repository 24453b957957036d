// @ts-check
/** @import { ExportFormat } from "../../protocol.js" */
import { useEffect, useState } from "preact/hooks";
import { copied } from "../../clipboard.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { NewPassphrase, useNewPassphrase } from "../parts/new_passphrase.js";
import { Told } from "../parts/told.js";

/** @type {{format: ExportFormat, name: () => string, meaning: () => string}[]} */
const FORMATS = [
  { format: "sidestep", name: () => "Sidestep", meaning: () => t`all that is set up here, for another browser or as a copy` },
  { format: "opencode", name: () => "opencode.json", meaning: () => t`for opencode` },
  { format: "litellm", name: () => "config.yaml", meaning: () => t`for LiteLLM` },
  { format: "open-webui", name: () => "Open WebUI", meaning: () => t`its direct connections` },
  { format: "env", name: () => ".env", meaning: () => t`environment variables, to be filled in` },
  { format: "relay", name: () => "sidestep-relay.toml", meaning: () => t`for whoever runs a relay for you` },
];

/** @param {{close: () => void}} props */
export function ExportDialog({ close }) {
  const { actions } = useApp();
  const [format, setFormat] = useState(/** @type {ExportFormat} */ ("sidestep"));
  const [withKeys, setWithKeys] = useState(false);
  const { fields, take } = useNewPassphrase();
  const [notes, setNotes] = useState(/** @type {string[]} */ ([]));
  const isSealed = withKeys && format === "sidestep";
  useEffect(() => {
    void actions.reported(actions.moving.write(format, "").then((exported) => setNotes(exported.notes)));
  }, [format]);
  const write = async () => {
    const passphrase = isSealed ? take() : "";
    return passphrase === null ? null : actions.moving.write(format, passphrase);
  };
  /** @param {Event} event */
  const save = (event) => {
    event.preventDefault();
    void actions.reported(write().then((exported) => {
      if (!exported) return;
      actions.moving.save(exported);
      close();
    }));
  };
  const copy = () => void actions.reported(write().then(async (exported) => {
    if (exported) actions.toast(await copied(exported.text) ? t`Copied.` : t`The browser did not let this page copy.`);
  }));
  return html`
    <${Modal} title=${t`Export`} close=${close}>
      <form onSubmit=${save}>
        <div class="modal-body">
          <fieldset class="custody-choices">
            <legend>${t`As what`}</legend>
            ${FORMATS.map((one) => html`
              <label class="choice" key=${one.format}>
                <input type="radio" name="format" checked=${format === one.format} onChange=${() => setFormat(one.format)} />
                <span><strong>${one.name()}</strong> <small>${one.meaning()}</small></span>
              </label>`)}
          </fieldset>
          ${format === "sidestep" && html`
            <label class="choice"><input type="checkbox" checked=${withKeys} disabled=${!isSecureContext} onChange=${() => setWithKeys(!withKeys)} />
              <span><strong>${t`With keys and tokens`}</strong> <small>${isSecureContext ? t`encrypted under a passphrase; without it nobody can read the file` : t`this page came unencrypted, so it cannot encrypt a file`}</small></span></label>`}
          ${isSealed && html`<${NewPassphrase} label=${t`Passphrase`} ...${fields} />`}
          ${!isSealed && html`<p class="hint">${t`No key and no token is in it.`}</p>`}
          ${notes.map((note) => html`<p class="hint" key=${note}><${Told} text=${note} /></p>`)}
        </div>
        <footer>
          <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
          <button type="button" onClick=${copy}>${t`Copy`}</button>
          <button type="submit" class="primary">${t`Save as a file`}</button>
        </footer>
      </form>
    <//>`;
}
