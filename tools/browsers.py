"""A Chromium for the tests: the machine's own, or Playwright's, or Debian's."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.failures import BuildError
from tools.places import find_program
from tools.processes import run
from tools.steps import step

VARIABLE = "SIDESTEP_CHROMIUM"

_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = (
    "/usr/bin/chromium",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_WINDOWS_PLACE = "Google/Chrome/Application/chrome.exe"

_NO_BROWSER = (
    "There is no Chromium for the browser tests and none could be installed: install Chromium or Chrome, "
    f"or name one with the variable {VARIABLE}, then run the same command again."
)


OWN_MODULES = """window.own = (path) => new URL(
  `app/${document.querySelector("meta[name=build]").content}/${path}`, document.baseURI).href;"""
"""An init script by which a test or a bench can import a module of the page: `import(own("js/store.js"))`."""


def list_arguments() -> list[str]:
    """Return what a Chromium is started with in tests, benches and pictures; it reaches this computer only."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*_ARGUMENTS, *(["--no-sandbox"] if is_root else [])]


def find_browser(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return this machine's Chromium or Chrome, first the one that SIDESTEP_CHROMIUM names; None without any.

    Raises:
        BuildError: SIDESTEP_CHROMIUM names a file that is not there.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(VARIABLE)
    if named and not Path(named).is_file():
        raise BuildError(f"{VARIABLE} names {named}, which is not there: correct it, or unset it to search.")
    candidates = (Path(named),) if named else tuple(_list_candidates(variables))
    return next((path for path in candidates if path.is_file()), None)


def prepare_browser() -> Path:
    """Return a Chromium for the tests, installing one where the machine has none.

    Raises:
        BuildError: There is none and none can be installed.
    """
    found = find_browser() or _find_playwrights()
    if found:
        return found
    for title, install in (
        ("Playwright's Chromium", _install_playwrights),
        ("Debian's Chromium", _install_debians),
    ):
        try:
            with step(title):
                install()
        except BuildError:
            # Each way is only one of several; what is said in the end names all of them.
            continue
        found = find_browser() or _find_playwrights()
        if found:
            return found
    raise BuildError(_NO_BROWSER)


def _list_candidates(variables: Mapping[str, str]) -> Iterator[Path]:
    for name in _NAMES:
        found = shutil.which(name, path=variables.get("PATH", ""))
        if found:
            yield Path(found)
    yield from (Path(place) for place in _PLACES)
    for folder in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData"):
        if folder in variables:
            yield Path(variables[folder]) / _WINDOWS_PLACE


def _find_playwrights() -> Path | None:
    """Return the Chromium that Playwright downloaded before, or None."""
    # Asked in the environment that has Playwright: this process itself needs nothing installed.
    question = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = run([find_program("python"), "-c", question], purpose="ask for Playwright's Chromium")
    path = Path(answer.strip().splitlines()[-1])
    return path if path.is_file() else None


def _install_playwrights() -> None:
    playwright: list[str | Path] = [find_program("python"), "-m", "playwright"]
    run([*playwright, "install", "chromium"], purpose="install Playwright's Chromium")


def _install_debians() -> None:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not (is_root and sys.platform == "linux" and shutil.which("apt-get")):
        raise BuildError("Debian's Chromium can only be installed by root on Debian or Ubuntu.")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "--quiet"], purpose="read Debian's package lists", environment=quiet)
    packages = ("--yes", "--quiet", "--no-install-recommends", "chromium")
    run(["apt-get", "install", *packages], purpose="install Debian's Chromium", environment=quiet)
