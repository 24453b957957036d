"""Stamps: nothing unchanged is made twice, nothing half-made counts."""

from pathlib import Path

import pytest

from tools.failures import BuildError
from tools.stamps import Stamp, digest
from tools.steps import make_once


class Kitchen:
    """A step that makes one file out of another, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.source, self.output, self.folder = folder / "source", folder / "output", folder / "stamps"
        self.source.write_text("flour")
        self.made = 0

    def make(self) -> bool:
        """Run the step where it is not up to date; say whether it ran."""
        return make_once("bread", Stamp("bread", digest(self.source), self.folder), self._bake, self.output)

    def _bake(self) -> None:
        self.made += 1
        if self.source.read_text() == "stones":
            raise BuildError("Stones do not bake: take flour.")
        self.output.write_text(self.source.read_text())


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def test_the_second_time_nothing_is_done(kitchen: Kitchen, capsys: pytest.CaptureFixture[str]) -> None:
    assert [kitchen.make(), kitchen.make()] == [True, False]
    assert kitchen.made == 1
    assert capsys.readouterr().out.endswith("bread: up to date\n")


def test_a_changed_source_is_made_again(kitchen: Kitchen) -> None:
    kitchen.make()
    kitchen.source.write_text("rye")

    assert kitchen.make()
    assert kitchen.output.read_text() == "rye"


def test_a_lost_output_is_made_again(kitchen: Kitchen) -> None:
    kitchen.make()
    kitchen.output.unlink()

    assert kitchen.make()


def test_a_failed_step_is_not_taken_for_made(kitchen: Kitchen) -> None:
    kitchen.make()
    kitchen.source.write_text("stones")
    with pytest.raises(BuildError):
        kitchen.make()
    kitchen.source.write_text("flour")

    assert kitchen.make()


def test_a_renamed_file_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "a.js"
    file.write_text("1")
    before = digest(tmp_path / "folder")
    file.rename(file.with_name("b.js"))

    assert digest(tmp_path / "folder") != before


def test_installed_packages_and_caches_do_not_count(tmp_path: Path) -> None:
    before = digest(tmp_path)
    for name in ("node_modules", "__pycache__"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")

    assert digest(tmp_path) == before
