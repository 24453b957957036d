// @ts-check
import { hostingCommands } from "../../state/hosting.js";
import { t } from "../../words.js";
import { CopyButton } from "../parts/copy_button.js";
import { html } from "../parts/html.js";

/** The exact commands for this very page. @param {{isOpen: boolean}} props */
export function HostingGuide({ isOpen }) {
  const page = location.origin + location.pathname;
  const commands = hostingCommands(page, location.origin);
  return html`
    <details class="guide" open=${isOpen}>
      <summary>${t`How to host one`}</summary>
      <p>${t`A relay needs Python 3.11 and a checkout of this project. It accepts this page's address and no other.`}</p>
      <h2>${t`On this computer`}</h2>
      <ol>
        <li>${t`In the checkout, install it and start it for this page:`}<${Command} text=${commands.laptop} /></li>
        <li>${t`Open the pairing link that it prints, or paste it here. That is all.`}</li>
        <li>${t`If something does not work, this says what:`}<${Command} text=${commands.check} /></li>
      </ol>
      <h2>${t`In a container`}</h2>
      <ol>
        <li>${t`In the checkout, build it and start it for this page:`}<${Command} text=${commands.container} /></li>
        <li>${t`Print its pairing link, then open it:`}<${Command} text=${commands.pair} /></li>
      </ol>
      <h2>${t`On a server`}</h2>
      <p>${t`Behind an address with TLS it works for every device: recipes for systemd, Compose, Fly, Render and tunnels are in docs/hosting.md.`}</p>
      <h2>${t`Page and relay together`}</h2>
      <p>${t`One command serves this page and a relay that is paired with it:`}</p>
      <${Command} text=${commands.checkout} />
    </details>`;
}

/** @param {{text: string}} props */
function Command({ text }) {
  return html`<div class="paste"><pre tabindex="0" dir="ltr"><code>${text}</code></pre><${CopyButton} text=${text} /></div>`;
}
