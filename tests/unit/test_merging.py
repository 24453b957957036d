"""Another document put into one's own."""

from typing import Any

from sidestep.config import Config
from sidestep.merging import Change, Side, compare_documents, merge_documents


def provider(provider_id: str, url: str = "https://a.example.org/v1", **more: Any) -> dict[str, Any]:
    return {
        "id": provider_id,
        "kind": "custom",
        "name": provider_id.title(),
        "base_url": url,
        "dialect": "openai_chat",
        **more,
    }


def side(*providers: dict[str, Any], keys: dict[str, str] | None = None, **more: Any) -> Side:
    document, problems = Config.load({"version": 2, "providers": list(providers), **more}), None
    assert problems is None
    assert not document[1]
    return Side(document[0].to_dict(), {"providers": keys or {}, "relays": {}})


def by_key(changes: list[Change]) -> dict[str, Change]:
    return {change.key: change for change in changes}


def test_what_is_new_is_added_with_its_key() -> None:
    own, other = side(), side(provider("mine"), keys={"mine": "k"})
    changes = compare_documents(own, other)
    assert [(change.state, change.proposal) for change in changes] == [("new", "replace")]
    merged, secrets = merge_documents(own, other, changes, {})
    assert [row["id"] for row in merged["providers"]] == ["mine"]
    assert secrets["providers"] == {"mine": "k"}


def test_the_same_again_changes_nothing() -> None:
    own = side(provider("mine"), keys={"mine": "k"})
    changes = compare_documents(own, own)
    assert [change.state for change in changes] == ["same"]
    assert merge_documents(own, own, changes, {}) == (own.document, {"providers": {}, "relays": {}})


def test_a_missing_key_is_filled_in() -> None:
    own, other = side(provider("mine")), side(provider("mine"), keys={"mine": "k"})
    changes = compare_documents(own, other)
    assert (changes[0].state, changes[0].differences, changes[0].proposal) == ("changed", ("key",), "replace")


def test_another_key_under_the_same_name_is_a_conflict_that_nobody_settles_but_the_user() -> None:
    own, other = side(provider("mine"), keys={"mine": "old"}), side(provider("mine"), keys={"mine": "new"})
    changes = compare_documents(own, other)
    assert (changes[0].state, changes[0].proposal) == ("conflict", "keep")
    assert merge_documents(own, other, changes, {})[1]["providers"] == {}
    assert merge_documents(own, other, changes, {"provider/mine": "replace"})[1]["providers"] == {"mine": "new"}


def test_both_are_kept_beside_each_other() -> None:
    own = side(provider("mine"), keys={"mine": "old"})
    other = side(provider("mine", "https://b.example.org/v1"), keys={"mine": "new"})
    changes = compare_documents(own, other)
    assert changes[0].state == "conflict"
    merged, secrets = merge_documents(own, other, changes, {"provider/mine": "both"})
    assert [(row["id"], row["base_url"]) for row in merged["providers"]] == [
        ("mine", "https://a.example.org/v1"), ("mine-2", "https://b.example.org/v1")]  # fmt: skip
    assert merged["providers"][1]["name"] == "Mine (2)"
    assert secrets["providers"] == {"mine-2": "new"}


def test_the_same_address_under_another_name_is_the_same_provider() -> None:
    own, other = side(provider("mine")), side(provider("theirs"))
    (change,) = compare_documents(own, other)
    assert (change.state, change.target, change.differences) == ("changed", "mine", ("name",))
    merged, _ = merge_documents(own, other, [change], {change.key: "replace"})
    assert [(row["id"], row["name"]) for row in merged["providers"]] == [("mine", "Theirs")]


def test_rules_and_groups_follow_the_names_that_their_providers_get() -> None:
    own = side(provider("mine"))
    other = side(
        provider("mine", "https://b.example.org/v1", models=["m"]),
        relays=[{"id": "r", "url": "https://relay.example.org"}],
        rules=[{"id": "x", "when": {"provider": ["mine", "*"]}, "then": {"model": "mine/m", "relays": ["r"]}}],
        groups=[{"name": "g", "strategy": "order", "members": [{"model": "mine/m"}]}],
        consents=[{"relay": "r", "provider": "mine"}],
    )
    changes = compare_documents(own, other)
    choices = {"provider/mine": "both", "consent/r/mine": "replace"}
    merged, _ = merge_documents(own, other, changes, choices)
    assert merged["rules"][0]["when"]["provider"] == ["mine-2", "*"]
    assert merged["rules"][0]["then"]["model"] == "mine-2/m"
    assert merged["groups"][0]["members"] == [{"model": "mine-2/m"}]
    assert merged["consents"] == [{"relay": "r", "provider": "mine-2"}]
    assert not Config.load(merged)[1]


def test_no_document_lets_its_relay_see_keys_that_were_here_before() -> None:
    other = side(
        provider("new", "https://b.example.org/v1"),
        relays=[{"id": "r", "url": "https://relay.example.org"}],
        consents=[
            {"relay": "r", "provider": "*"},
            {"relay": "r", "provider": "new"},
            {"relay": "r", "provider": "mine"},
        ],
    )
    proposals = {change.key: change.proposal for change in compare_documents(side(provider("mine")), other)}
    assert proposals["consent/r/*"] == "keep"
    assert proposals["consent/r/new"] == "replace"
    empty = {change.key: change.proposal for change in compare_documents(side(), other)}
    assert empty["consent/r/*"] == "replace"
    merged, _ = merge_documents(side(), other, compare_documents(side(), other), {"provider/new": "keep"})
    assert merged["consents"] == [{"relay": "r", "provider": "*"}]


def test_what_was_off_or_runs_code_is_proposed_to_be_left_out() -> None:
    other = side(provider("off"), rules=[{"id": "own", "python": "def route(request, context):\n    return None\n"}])
    changes = by_key(compare_documents(side(), other, cautious={"provider/off", "rule/own"}))
    assert {key: change.proposal for key, change in changes.items()} == {"provider/off": "keep", "rule/own": "keep"}


def test_options_are_items_too() -> None:
    own, other = side(options={"caches_answers": False}), side(options={"caches_answers": True, "cache_lifetime": 60})
    changes = by_key(compare_documents(own, other))
    assert {key: change.state for key, change in changes.items()} == {
        "option/caches_answers": "changed", "option/cache_lifetime": "new"}  # fmt: skip
    merged, _ = merge_documents(own, other, list(changes.values()), {"option/caches_answers": "keep"})
    assert merged["options"] == {"caches_answers": False, "cache_lifetime": 60}
