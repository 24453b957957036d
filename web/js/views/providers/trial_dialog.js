// @ts-check
import { useEffect } from "preact/hooks";
import { providerName } from "../../state/models.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { TrialPanel, useTrial } from "./trial_panel.js";

/** @param {{id: string, close: () => void}} props */
export function TrialDialog({ id, close }) {
  const { model, actions } = useApp();
  const { trial, start, stop } = useTrial();
  const provider = model.config.value.providers.find((candidate) => candidate.id === id);
  const again = () => { if (provider) void actions.reported(start(provider, "")); };
  useEffect(again, []);
  const useRelays = provider?.route === "auto" ? () => { actions.settings.routeThroughRelays(id); close(); } : undefined;
  return html`
    <${Modal} title=${t`Test connection of ${providerName(model.modelGroups.value, id)}`} close=${close}>
      <div class="modal-body"><${TrialPanel} trial=${trial} stop=${stop} useRelays=${useRelays} provider=${id} /></div>
      <footer>
        <button type="button" disabled=${trial.state === "running"} onClick=${again}>${t`Test again`}</button>
        <button type="button" class="primary" onClick=${close}>${t`Close`}</button>
      </footer>
    <//>`;
}
