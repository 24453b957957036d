// @ts-check
/** How a relay is hosted, in commands that name this very page. */

/**
 * @param {string} page  the page's address, without fragment
 * @param {string} origin  the page's origin
 */
export function hostingCommands(page, origin) {
  return {
    checkout: "python3 build.py serve",
    laptop: [
      "pip install --no-deps --require-hashes -r requirements/relay.txt && pip install --no-deps .",
      `SIDESTEP_ORIGINS=${origin} sidestep-relay serve --page ${page}`,
    ].join("\n"),
    container: [
      "docker build -t sidestep-relay .",
      "export SIDESTEP_TOKEN=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')",
      `export SIDESTEP_ORIGINS=${origin}`,
      "docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8787:8787 -e SIDESTEP_TOKEN -e SIDESTEP_ORIGINS sidestep-relay",
    ].join("\n"),
    pair: `sidestep-relay pair --page ${page} --url http://127.0.0.1:8787`,
    check: `sidestep-relay check http://127.0.0.1:8787 --page ${page} --token-file ~/.config/sidestep/relay-token`,
  };
}
