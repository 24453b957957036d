"""Take the pictures: `python -m tests.pictures FOLDER [SCENE …]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.fakes.providers import OpenProvider
from tests.pictures.scenes import SCENES, Scene, furnish
from tools.browsers import OWN_MODULES, list_arguments, prepare_browser
from tools.places import DIST
from tools.servers import serve_folder

_SIZES = {"wide": (1280, 860), "narrow": (390, 844)}
_SCHEMES = ("light", "dark")


def main(arguments: Sequence[str]) -> int:
    """Take the pictures of all scenes, or of those named; return the exit code."""
    folder, *names = arguments
    scenes = [scene for scene in SCENES if not names or scene.name in names]
    with serve_folder(DIST) as origin, OpenProvider() as fake, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
        for scheme in _SCHEMES:
            for size in _SIZES:
                with _open(browser, scheme, size) as furnished, _open(browser, scheme, size) as empty:
                    furnish(furnished, origin, fake)
                    for scene in scenes:
                        context = empty if scene.is_first_visit else furnished
                        _take(context, origin, scene, Path(folder) / f"{scene.name}-{size}-{scheme}.png")
        browser.close()
    return 0


def _take(context: BrowserContext, origin: str, scene: Scene, file: Path) -> None:
    """Play *scene* in a page of its own, and take its picture into *file*."""
    page = context.new_page()
    page.goto(f"{origin}/{scene.fragment}")
    scene.play(page)
    page.screenshot(path=file)
    page.close()


def _open(browser: Browser, scheme: str, size: str) -> BrowserContext:
    width, height = _SIZES[size]
    is_narrow = size == "narrow"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
        has_touch=is_narrow,
        reduced_motion="reduce",
        service_workers="block",
    )
    context.add_init_script(OWN_MODULES)
    return context


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
