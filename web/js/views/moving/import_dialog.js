// @ts-check
/**
 * @import { ImportSource } from "../../protocol.js"
 * @import { Preview } from "../../actions/moving.js"
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { giving } from "../parts/inputs.js";
import { Modal } from "../parts/modal.js";
import { SecretField } from "../parts/secret_field.js";
import { ImportPreview } from "./import_preview.js";

/** @param {{source: ImportSource | null, close: () => void}} props  `source` where it is known what to import */
export function ImportDialog({ source: given, close }) {
  const { actions } = useApp();
  const [source, setSource] = useState(given);
  const [preview, setPreview] = useState(/** @type {Preview | null} */ (null));
  const [problem, setProblem] = useState("");
  const [isReading, setReading] = useState(false);
  const isOffer = given !== null && "entries" in given;
  /** @param {ImportSource} wanted */
  const read = async (wanted) => {
    setReading(true);
    setProblem("");
    const found = await actions.moving.read(wanted);
    setReading(false);
    setSource(wanted);
    if ("problem" in found) setProblem(found.problem);
    else setPreview(found);
  };
  useEffect(() => { if (given) void read(given); }, []);
  const leave = () => {
    if (isOffer) void actions.moving.forgetOffer();
    close();
  };
  return html`
    <${Modal} title=${isOffer ? t`Bring over what another app left here?` : t`Import`} close=${leave}>
      ${preview && source
        ? preview.imported.sealed
          ? html`<${Unseal} imported=${preview.imported} open=${(/** @type {string} */ text) => void read({ text })} close=${leave} />`
          : html`<${ImportPreview} preview=${preview} source=${source} close=${leave} />`
        : html`<${Chooser} read=${read} problem=${problem} isReading=${isReading} close=${leave} />`}
    <//>`;
}

/** @param {{read: (source: ImportSource) => unknown, problem: string, isReading: boolean, close: () => void}} props */
function Chooser({ read, problem, isReading, close }) {
  const { actions } = useApp();
  const [text, setText] = useState("");
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    void read({ text });
  };
  const paste = async () => {
    try {
      void read({ text: await navigator.clipboard.readText() });
    } catch {
      actions.toast(t`The browser does not let this page read the clipboard. Paste it into the box.`);
    }
  };
  /** @param {File | undefined} file */
  const take = async (file) => { if (file) void read({ text: await file.text() }); };
  return html`
    <form class="import" onSubmit=${submit}>
      <div class="modal-body">
        <p>${t`A file, a link, .env lines or a curl command, from this or another app. What it is will be recognised, and nothing is saved before you have seen it.`}</p>
        <p class="hint">${t`Known: Sidestep, opencode.json, LiteLLM, Portkey, Open WebUI, NextChat, LobeChat, Cherry Studio, Chatbox, Page Assist, Hollama, big-AGI, JupyterLite AI.`}</p>
        <label for="import-text">${t`Paste it here`}</label>
        <textarea id="import-text" rows="7" dir="ltr" spellcheck=${false} autocomplete="off" value=${text}
          aria-describedby=${problem ? "import-problem" : null} onInput=${giving(setText)}></textarea>
        <div class="card-actions">
          <button type="button" onClick=${() => input.current?.click()}>${t`Choose a file…`}</button>
          <button type="button" onClick=${paste}>${t`From the clipboard`}</button>
          <input ref=${input} type="file" hidden aria-label=${t`File to import`}
            onChange=${(/** @type {Event} */ event) => take(/** @type {HTMLInputElement} */ (event.target).files?.[0])} />
        </div>
        ${problem && html`<p class="problem" id="import-problem" role="alert">${problem} ${t`Nothing was changed.`}</p>`}
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
        <button type="submit" class="primary" disabled=${isReading || !text.trim()}>${isReading ? t`Reading…` : t`Look at it`}</button>
      </footer>
    </form>`;
}

/** @param {{imported: import("../../protocol.js").Imported, open: (text: string) => void, close: () => void}} props */
function Unseal({ imported, open, close }) {
  const { actions } = useApp();
  const [passphrase, setPassphrase] = useState("");
  const [isWrong, setWrong] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const text = await actions.moving.unseal(imported, passphrase);
    setWrong(text === null);
    if (text !== null) open(text);
  };
  const problems = isWrong
    ? [{ item: "", field: "passphrase", message: t`That is not its passphrase, or the file was changed. Nothing was changed here.` }] : [];
  return html`
    <form onSubmit=${submit}>
      <div class="modal-body">
        <p>${t`This file holds keys, under a passphrase.`}</p>
        <${SecretField} name="passphrase" label=${t`Passphrase`} value=${passphrase} onChange=${setPassphrase} isKept=${false}
          problems=${problems} />
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
        <button type="submit" class="primary" disabled=${!passphrase}>${t`Open it`}</button>
      </footer>
    </form>`;
}
