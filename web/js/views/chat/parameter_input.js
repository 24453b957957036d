// @ts-check
/** @import { Offer } from "../../protocol.js" */
import { useEffect, useState } from "preact/hooks";
import { choiceName, parameterHint, parameterName, readParameter, typedParameter } from "../../state/parameters.js";
import { formatNumber, t } from "../../words.js";
import { html } from "../parts/html.js";
import { LinesInput, SelectInput, TextInput } from "../parts/inputs.js";

/**
 * @param {{offer: Offer, value: unknown, onChange: (value: unknown) => void}} props  `onChange` is given undefined where
 *   the provider decides, and nothing at all while what is typed cannot be sent
 */
export function ParameterInput({ offer, value, onChange }) {
  const kept = typedParameter(offer, value);
  const [typed, setTyped] = useState(kept);
  const read = readParameter(offer, typed);
  // What was kept may be changed elsewhere: in another tab, or by the button that takes all of it back.
  useEffect(() => {
    if (!("problem" in read) && typedParameter(offer, read.value) !== kept) setTyped(kept);
  }, [kept]);
  /** @param {string} text */
  const change = (text) => {
    setTyped(text);
    const next = readParameter(offer, text);
    if (!("problem" in next)) onChange(next.value);
  };
  const { name, kind, choices } = offer;
  const problems = "problem" in read ? [{ item: "", field: name, message: read.problem }] : [];
  const shared = { name, label: parameterName(name), value: typed, onChange: change, problems, hint: hintOf(offer) };
  if (kind === "choice") {
    const options = [{ value: "", name: t`As the provider has it` },
      ...choices.map((choice) => ({ value: choice, name: choiceName(choice) }))];
    return html`<${SelectInput} ...${shared} options=${options} />`;
  }
  if (kind === "texts") return html`<${LinesInput} ...${shared} />`;
  return html`
    <${TextInput} ...${shared} inputmode=${kind === "integer" ? "numeric" : "decimal"} placeholder=${t`As the provider has it`} />`;
}

/** @param {Offer} offer */
function hintOf({ name, minimum, maximum }) {
  const range = minimum !== null && maximum !== null
    ? t`From ${formatNumber(minimum)} to ${formatNumber(maximum)}.`
    : "";
  return [parameterHint(name), name === "seed" ? "" : range].filter(Boolean).join(" ");
}
