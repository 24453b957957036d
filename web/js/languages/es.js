// @ts-check
/** @import { Dictionary } from "../words.js" */

/** @type {Dictionary} */
export const words = {};
