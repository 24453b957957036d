"""Other clients' files, written by hand in the forms that those clients have, and what becomes of each."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

IMPORTS = Path(__file__).parents[1] / "fixtures" / "imports"
DOCUMENTS = Path(__file__).parents[1] / "fixtures" / "documents"


def list_imports() -> list[Path]:
    """Return every fixture, without the expectations beside them."""
    return sorted(path for path in IMPORTS.rglob("*.*") if ".expected" not in path.name)


def read_expected(fixture: Path) -> dict[str, Any]:
    """Return what *fixture* is to become."""
    text = fixture.with_name(f"{fixture.stem}.expected.json").read_text(encoding="utf-8")
    expected: dict[str, Any] = json.loads(text)
    return expected


def read_schema() -> dict[str, Any]:
    """Return the published schema of our own document."""
    schema: dict[str, Any] = json.loads(files("sidestep").joinpath("config.schema.json").read_text(encoding="utf-8"))
    return schema
