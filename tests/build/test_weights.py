"""What a first visit costs."""

import gzip
import json
from pathlib import Path

from tools.weights import LARGEST_FIRST_VISIT, describe_weights, list_first_visit, weigh_first_visit


def test_a_first_visit_is_light(site_dir: Path) -> None:
    weights = weigh_first_visit(site_dir)
    assert sum(weight.bytes for weight in weights) <= LARGEST_FIRST_VISIT, describe_weights(weights)


def test_everything_that_is_listed_is_there_once(site_dir: Path) -> None:
    listed = list(list_first_visit(site_dir))
    assert len(listed) == len(set(listed))
    for address in listed:
        assert (site_dir / address).is_file(), address


def test_copies_are_of_the_files_they_lie_beside(site_dir: Path) -> None:
    copies = list(site_dir.rglob("*.gz"))
    assert len(copies) > 100
    for copy in copies:
        assert gzip.decompress(copy.read_bytes()) == copy.with_suffix("").read_bytes(), copy
        assert copy.with_suffix(".br").stat().st_size <= copy.stat().st_size + 16, copy


def test_the_snapshot_can_be_unpacked_by_the_page_itself(site_dir: Path) -> None:
    """Some hosts cannot say in what encoding they send a file."""
    snapshot = json.loads((site_dir / "build.json").read_text())["snapshot"]
    packed = site_dir / snapshot["file"]
    assert len(gzip.decompress(packed.read_bytes())) == snapshot["bytes"]
    assert packed.with_name(f"{packed.name}.br").stat().st_size < packed.stat().st_size
