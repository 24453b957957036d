"""The ledger: which key went where, since when and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestep.ledger import Ledger, LedgerEntry

OPENAI = "https://api.openai.com"
ATTIC = "https://attic.test"


def only(ledger: Ledger) -> LedgerEntry:
    (entry,) = ledger.entries.values()
    return entry


def counts(ledger: Ledger) -> dict[tuple[str, str, str | None], int]:
    return {key: entry.count for key, entry in ledger.entries.items()}


def test_each_way_of_a_key_is_one_entry_with_its_first_and_last_time() -> None:
    ledger = Ledger().record("openai", OPENAI, None, 10).record("openai", ATTIC, "attic", 20)
    ledger = ledger.record("openai", OPENAI, None, 30)
    assert ledger.to_list() == [
        {"provider": "openai", "destination": OPENAI, "relay": None, "first": 10, "last": 30, "count": 2},
        {"provider": "openai", "destination": ATTIC, "relay": "attic", "first": 20, "last": 20, "count": 1},
    ]


def test_recording_leaves_the_old_ledger_as_it_was() -> None:
    before = Ledger().record("openai", OPENAI, None, 10)
    before.record("openai", OPENAI, None, 20)
    assert only(before).count == 1


def test_a_clock_that_was_set_back_changes_no_time() -> None:
    entry = only(Ledger().record("openai", OPENAI, None, 100).record("openai", OPENAI, None, 40))
    assert (entry.first, entry.last, entry.count) == (100, 100, 2)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://user:canary@api.test:8443/v1?key=canary#canary", "https://api.test:8443"),
        ("https://API.test/canary", "https://api.test"),
        ("http://[::1]:11434/v1", "http://[::1]:11434"),
        ("canary", "unreadable address"),
        ("https://canary:notaport@[x/", "unreadable address"),
        ("https://api.test:canary/", "unreadable address"),
    ],
)
def test_only_the_origin_of_an_address_is_kept(address: str, kept: str) -> None:
    assert only(Ledger().record("mine", address, None, 1)).destination == kept
    row = {"provider": "mine", "destination": address, "relay": None, "first": 1, "last": 1, "count": 1}
    assert only(Ledger.load([row])).destination == kept


def test_what_was_written_is_read_back() -> None:
    ledger = Ledger().record("openai", OPENAI, None, 10.5).record("zai", ATTIC, "attic", 20).record("a", ATTIC, None, 5)
    assert Ledger.load(json.loads(json.dumps(ledger.to_list()))).entries == ledger.entries


GOOD = {"provider": "openai", "destination": OPENAI, "relay": None, "first": 10, "last": 20, "count": 3}


@pytest.mark.parametrize(
    "row",
    [
        None,
        7,
        "row",
        [],
        {},
        GOOD | {"provider": None},
        GOOD | {"destination": 4},
        GOOD | {"relay": 4},
        GOOD | {"count": 0},
        GOOD | {"count": True},
        GOOD | {"count": 1.5},
        GOOD | {"first": "soon"},
        GOOD | {"last": float("nan")},
        GOOD | {"last": float("inf")},
        GOOD | {"last": 10**400},
        GOOD | {"first": 21},
    ],
)
def test_a_damaged_row_is_left_out_and_the_others_stay(row: Any) -> None:
    assert Ledger.load([row, GOOD]).to_list() == [GOOD]


def test_rows_of_one_address_are_joined() -> None:
    entry = only(Ledger.load([GOOD, GOOD | {"first": 5, "last": 12, "count": 4}]))
    assert (entry.first, entry.last, entry.count) == (5, 20, 7)


def test_two_tabs_lose_nothing_and_count_their_common_past_once() -> None:
    stored = Ledger.load([GOOD])
    one = stored.record("openai", OPENAI, None, 40).record("openai", ATTIC, "attic", 41)
    other = (
        stored.record("openai", OPENAI, None, 30).record("openai", OPENAI, None, 35).record("zai", ATTIC, "attic", 8)
    )
    for merged in (one.merge(other, stored), other.merge(one, stored)):
        assert counts(merged) == {
            ("openai", OPENAI, None): 6,
            ("openai", ATTIC, "attic"): 1,
            ("zai", ATTIC, "attic"): 1,
        }
        entry = merged.entries["openai", OPENAI, None]
        assert (entry.first, entry.last) == (10, 40)


def test_ledgers_that_share_nothing_are_added_up() -> None:
    one, other = Ledger().record("openai", OPENAI, None, 50), Ledger().record("openai", OPENAI, None, 40)
    entry = only(one.merge(other))
    assert (entry.first, entry.last, entry.count) == (40, 50, 2)


def test_a_base_that_is_wrong_takes_nothing_away() -> None:
    one, other = Ledger().record("openai", OPENAI, None, 50), Ledger().record("openai", OPENAI, None, 40)
    assert only(one.merge(other, Ledger.load([GOOD]))).count == 1
