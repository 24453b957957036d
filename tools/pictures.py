"""Pictures of the page, to be looked at before a change is called done."""

import subprocess
from collections.abc import Sequence

from tools.places import ROOT, find_program
from tools.steps import say

PICTURES = ROOT / "screenshots"


def take_pictures(scenes: Sequence[str] = ()) -> int:
    """Take the pictures of *scenes*, or of all, into `screenshots/`; return the exit code."""
    PICTURES.mkdir(exist_ok=True)
    # As a module, so that it finds the tests' fakes and the tools.
    command = [str(find_program("python")), "-m", "tests.pictures", str(PICTURES), *scenes]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    say(f"  pictures: {PICTURES.relative_to(ROOT)}/")
    return code
