// @ts-check
/** @import { Problem } from "../../protocol.js" */
import { useEffect, useState } from "preact/hooks";
import { focusFirstProblem } from "./field.js";

/**
 * A form's submit: what is wrong is shown beside the fields, and the first bad one gets the focus.
 *
 * @param {{current: HTMLFormElement | null}} form
 * @param {() => Promise<Problem[]>} submit  gives what kept it from saving
 */
export function useSaving(form, submit) {
  const [saving, setSaving] = useState(false);
  const [problems, setProblems] = useState(/** @type {Problem[]} */ ([]));
  useEffect(() => focusFirstProblem(form.current), [problems]);

  /** @param {SubmitEvent} event */
  async function save(event) {
    event.preventDefault();
    if (saving) return;
    setSaving(true);
    await check(submit);
    setSaving(false);
  }

  /** @param {() => Promise<Problem[]>} work  gives what is wrong */
  async function check(work) {
    try {
      setProblems(await work());
    } catch (error) {
      setProblems([{ item: "", field: "", message: error instanceof Error ? error.message : String(error) }]);
    }
  }
  return { saving, problems, save, check };
}
