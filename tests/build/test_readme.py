"""The README shows what the commands print."""

from sidestep.catalogue import format_table, load_catalogue
from tools.places import ROOT


def test_the_readme_shows_the_compatibility_table_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert format_table(load_catalogue()) in readme, "paste what `python -m sidestep catalogue` prints"
