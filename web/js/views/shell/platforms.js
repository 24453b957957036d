// @ts-check

/** @returns {boolean} whether the keyboard has a ⌘ key where others have Ctrl */
export function isApple() {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}
