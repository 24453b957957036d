// @ts-check
/**
 * @import { BackupContents } from "../../actions/backups.js"
 * @import { Counts } from "../../state/backups.js"
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { SecretField } from "../parts/secret_field.js";

/** @typedef {{file: File, contents: BackupContents, here: Counts}} Looked */

/** @param {{close: () => void}} props */
export function RestoreDialog({ close }) {
  const { actions } = useApp();
  const [looked, setLooked] = useState(/** @type {Looked | null} */ (null));
  const [problem, setProblem] = useState("");
  const [progress, setProgress] = useState(/** @type {number | null} */ (null));
  const [withConfig, setWithConfig] = useState(true);
  const [passphrase, setPassphrase] = useState("");
  const abort = useRef(new AbortController());
  // Closed in the middle, it stops there.
  useEffect(() => () => abort.current.abort(), []);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {() => Promise<void>} work */
  const run = async (work) => {
    setProblem("");
    setProgress(0);
    await work().catch((error) => setProblem(error.message));
    setProgress(null);
  };
  /** @param {File | undefined} file */
  const look = (file) => file && run(async () => {
    setLooked(null);
    setPassphrase("");
    const contents = await actions.backups.look(file, setProgress, abort.current.signal);
    setLooked({ file, contents, here: await actions.backups.countHere() });
  });
  const restore = () => looked && run(async () => {
    const { contents, file } = looked;
    await actions.backups.restore(file, withConfig ? await open(contents) : null, setProgress, abort.current.signal);
    close();
  });
  /** @param {BackupContents} contents */
  const open = async (contents) => {
    if (passphrase) return actions.backups.open(contents, passphrase);
    return contents.config && { config: contents.config, secrets: { providers: {}, relays: {} } };
  };
  return html`
    <${Modal} title=${t`Restore a backup`} close=${close}>
      <div class="modal-body">
        <p>${t`Chats of the backup are added to those here; nothing that is here is deleted.`}</p>
        <div><button type="button" disabled=${progress !== null} onClick=${() => input.current?.click()}>${t`Choose a file…`}</button>
          <input ref=${input} type="file" hidden aria-label=${t`Backup to restore`}
            onChange=${(/** @type {Event} */ event) => look(/** @type {HTMLInputElement} */ (event.target).files?.[0])} /></div>
        ${progress !== null && html`<progress aria-label=${t`Progress`} value=${progress} max="1"></progress>`}
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        ${looked && html`
          <table class="counts">
            <thead><tr><td></td><th scope="col">${t`Chats`}</th><th scope="col">${t`Messages`}</th></tr></thead>
            <tbody>
              <tr><th scope="row">${t`Here now`}</th><td>${looked.here.conversations}</td><td>${looked.here.messages}</td></tr>
              <tr><th scope="row">${t`In the backup`}</th><td>${looked.contents.counts.conversations}</td><td>${looked.contents.counts.messages}</td></tr>
            </tbody>
          </table>
          ${looked.contents.config && html`
            <label class="choice"><input type="checkbox" checked=${withConfig} onChange=${() => setWithConfig(!withConfig)} />
              <span><strong>${t`Also its providers, relays and rules`}</strong> <small>${t`in the place of those here; “Earlier configurations” brings these back`}</small></span></label>
            ${withConfig && looked.contents.programs > 0 && html`<p class="hint">
              ${tn(looked.contents.programs, "{0} rule in it is Python code, which can do what this page can.", "{0} rules in it are Python code, which can do what this page can.")}</p>`}
            ${withConfig && (looked.contents.sealed
              ? html`<${SecretField} name="passphrase" label=${t`Passphrase of the keys in it`} value=${passphrase} onChange=${setPassphrase}
                  isKept=${false} problems=${[]} hint=${t`Left empty, the keys stay in the file.`} />`
              : html`<p class="hint">${t`No key and no token is in it.`}</p>`)}`}`}
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
        <button type="button" class="primary" disabled=${!looked || progress !== null} onClick=${restore}>${t`Restore`}</button>
      </footer>
    <//>`;
}
