// @ts-check
/**
 * @import { Actions } from "../../actions/index.js"
 * @import { PageModel } from "../../model.js"
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";

export const AppContext = createContext(/** @type {{model: PageModel, actions: Actions} | null} */ (null));

/** @returns {{model: PageModel, actions: Actions}} */
export function useApp() {
  return /** @type {{model: PageModel, actions: Actions}} */ (useContext(AppContext));
}
