// @ts-check

/** How long a button says that it copied. */
export const COPIED_FOR_MS = 1600;

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether the browser took it
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
