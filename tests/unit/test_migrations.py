"""Documents of every version there ever was."""

import json
from typing import Any

import pytest

from sidestep.config import Config
from sidestep.errors import ConfigurationError
from sidestep.migrations import VERSION, migrate
from tests.unit.fixtures import DOCUMENTS


def read(version: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCUMENTS / f"v{version}.json").read_text(encoding="utf-8"))
    return document


def test_there_is_a_document_of_every_version() -> None:
    assert {path.name for path in DOCUMENTS.iterdir()} == {f"v{version}.json" for version in range(1, VERSION + 1)}


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_document_of_any_version_is_taken_whole(version: int) -> None:
    before = read(version)
    config, problems = Config.load(before)
    assert not problems
    written = config.to_dict()
    assert written["version"] == VERSION
    for kind in ("providers", "relays"):
        for old, new in zip(before[kind], written[kind], strict=True):
            assert new | old == new
    for name in ("consents", "rules", "groups", "options"):
        assert written[name] == before[name]
    assert before == read(version)


def test_a_document_without_a_version_is_of_the_first() -> None:
    assert migrate({"providers": []})["version"] == VERSION


@pytest.mark.parametrize("version", [VERSION + 1, 0, -1, "2", 2.0, None, True])
def test_what_is_no_known_version_is_refused(version: object) -> None:
    with pytest.raises(ConfigurationError, match="version"):
        migrate({"version": version})
