// @ts-check
/**
 * What whoever stands in front of a relay can see, in words.
 *
 * @import { Problem, Relay, SealingLevel } from "../../protocol.js"
 */
import { useEffect, useState } from "preact/hooks";
import { makeFingerprint } from "../../fingerprints.js";
import { t } from "../../words.js";
import { html } from "../parts/html.js";
import { SelectInput } from "../parts/inputs.js";

/** @type {{value: SealingLevel, name: () => string}[]} */
const LEVELS = [
  { value: "exchange", name: () => t`Neither keys nor words` },
  { value: "key", name: () => t`Not the providers' keys` },
  { value: "off", name: () => t`Everything` },
];

/** @type {Record<SealingLevel, () => string>} */
const SEEN = {
  exchange: () => t`Sealed: the host in front of it sees neither keys nor words.`,
  key: () => t`The host in front of it sees the words, and not the providers' keys.`,
  off: () => t`Not sealed: a host in front of it could see keys and words.`,
};

/**
 * @param {object} props
 * @param {string} props.publicKey  empty where the relay was not paired by a link that has one
 * @param {string} props.pinned  the key that it was paired with before; empty without
 * @param {SealingLevel} props.level
 * @param {Problem[]} props.problems
 * @param {(level: SealingLevel) => void} props.onChange
 */
export function SealingInput({ publicKey, pinned, level, problems, onChange }) {
  const hint = publicKey
    ? html`${t`Who ends the encryption on the way (a host, a CDN, a tunnel) can read what is not sealed.`} <${Fingerprint}
        publicKey=${publicKey} />`
    : t`To seal requests to the relay, paste the whole pairing link that it prints into its address above.`;
  return html`
    <${SelectInput} name="sealing" label=${t`What the host in front of it can see`} value=${level}
      options=${LEVELS.map(({ value, name }) => ({ value, name: name() }))}
      disabled=${!publicKey} problems=${problems} hint=${hint} onChange=${onChange} />
    ${pinned && pinned !== publicKey && html`<${ChangedKey} pinned=${pinned} shown=${publicKey} />`}`;
}

/** @param {{pinned: string, shown: string}} props */
export function ChangedKey({ pinned, shown }) {
  return html`
    <div class="notice" role="alert">
      <p><strong>${t`This link has another sealing key than the one you paired before.`}</strong> ${t`Go on only if the relay's operator changed it: somebody else could read what you send.`}</p>
      <p><${Fingerprint} publicKey=${pinned} label=${t`Before:`} /></p>
      <p><${Fingerprint} publicKey=${shown} label=${t`Now:`} /></p>
    </div>`;
}

/** @param {{relay: Relay}} props */
export function SealingFacts({ relay: { public_key = "", sealing = "off" } }) {
  return html`<div class="facts"><p>${SEEN[sealing]()}</p><${Fingerprint} publicKey=${public_key} /></div>`;
}

/** @param {{publicKey: string, label?: string}} props */
export function Fingerprint({ publicKey, label = t`Its key's fingerprint:` }) {
  const fingerprint = useFingerprint(publicKey);
  if (!fingerprint) return null;
  // Groups may wrap, as the relay prints them; none is broken within.
  return html`<span class="fingerprint">${label} <code>${fingerprint}</code></span>`;
}

/**
 * @param {string} publicKey
 * @returns {string} empty until it is known
 */
function useFingerprint(publicKey) {
  const [fingerprint, setFingerprint] = useState("");
  useEffect(() => {
    let isWanted = true;
    setFingerprint("");
    void makeFingerprint(publicKey).then((made) => { if (isWanted) setFingerprint(made); });
    return () => { isWanted = false; };
  }, [publicKey]);
  return fingerprint;
}
