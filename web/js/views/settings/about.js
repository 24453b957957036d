// @ts-check
import { useEffect, useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Section } from "./section.js";

export function About() {
  const { actions } = useApp();
  const [build, setBuild] = useState({ version: "", pyodide: "" });
  useEffect(() => { void actions.reported(actions.readBuild().then(setBuild)); }, []);
  return html`
    <${Section} id="about" title=${t`About`}>
      <p>${build.version && t`Sidestep ${build.version}, with Pyodide ${build.pyodide}.`} ${" "}
        ${t`This page asks nobody but the providers and relays that you add.`}</p>
      <p><a href="THIRD-PARTY-LICENSES.txt" target="_blank" rel="noopener">${t`Licences of what it is made of`}</a></p>
    <//>`;
}
