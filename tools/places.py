"""Where everything lies in a checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "requirements"
WEB = ROOT / "web"
NODE_MODULES = WEB / "node_modules"
VENV = ROOT / ".venv"


def find_program(name: str, *, venv: Path = VENV) -> Path:
    """Return where the virtual environment keeps the program *name*, whether it is there or not."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / (name + (".exe" if os.name == "nt" else ""))
