"""The providers' own lists of models: how long they are kept, and what is fetched when."""

import asyncio
from typing import Any

import pytest

from sidestep import Client, Model, ModelList, Provider, RoutesFailed, SidestepError
from sidestep.discovery import LIST_LIFETIME, Discovery, load_models
from sidestep.transports.mock import MockResponse, MockTransport

OPENAI = Provider("openai", api_key="openai-key-123", models=["by-hand"])
NOW = 1_790_000_000.0


class Lists:
    """A provider's lists, given one by one when the test says so; and the time."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked = 0
        self.following: asyncio.Queue[tuple[Model, ...] | SidestepError] = asyncio.Queue()
        self.discovery = Discovery(self._fetch, lambda: self.now)

    async def _fetch(self, _: Provider) -> tuple[Model, ...]:
        self.asked += 1
        following = await self.following.get()
        if isinstance(following, SidestepError):
            raise following
        return following

    def give(self, *models: str) -> None:
        self.following.put_nowait(tuple(Model(model, model, context_length=8) for model in models))

    async def find(self, provider: Provider = OPENAI, **options: Any) -> ModelList:
        async with asyncio.timeout(10):
            return await self.discovery.find(provider, **options)


def ids(listed: ModelList) -> list[str]:
    return [model.id for model in listed.models]


async def settled(lists: Lists, *, is_stale: bool) -> ModelList:
    """Return what is found once what runs in the background has come as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)
    listed = await lists.find()
    assert listed.is_stale is is_stale
    return listed


async def test_a_list_is_fetched_once_an_hour() -> None:
    lists = Lists()
    lists.give("new")
    first = await lists.find()
    assert (first.source, first.fetched_at, first.is_stale) == ("live", NOW, False)
    lists.now += LIST_LIFETIME - 1
    assert await lists.find() == first
    assert lists.asked == 1


async def test_an_old_list_is_given_at_once_while_one_fetch_brings_the_new() -> None:
    lists = Lists()
    lists.give("old")
    await lists.find()
    lists.now += LIST_LIFETIME
    for _ in range(3):
        stale = await settled(lists, is_stale=True)
        assert ids(stale) == ["by-hand", "old"]
    assert lists.asked == 2
    lists.give("new")
    fresh = await settled(lists, is_stale=False)
    assert (ids(fresh), fresh.fetched_at) == (["by-hand", "new"], lists.now)
    assert lists.asked == 2


async def test_a_failed_refresh_keeps_the_old_list_and_says_why() -> None:
    lists = Lists()
    lists.give("old")
    await lists.find()
    lists.now += LIST_LIFETIME
    await lists.find()
    lists.following.put_nowait(RoutesFailed("away"))
    kept = await settled(lists, is_stale=True)
    assert (ids(kept), kept.source, kept.fetched_at) == (["by-hand", "old"], "live", NOW)
    assert isinstance(kept.error, RoutesFailed)
    lists.give("new")
    assert (await settled(lists, is_stale=False)).error is None


async def test_refresh_waits_for_the_new_list_and_shares_the_running_fetch() -> None:
    lists = Lists()
    lists.give("old")
    await lists.find()
    waiting = [asyncio.ensure_future(lists.find(refresh=True)) for _ in range(2)]
    await settled(lists, is_stale=False)
    lists.give("new")
    assert [ids(listed) for listed in await asyncio.gather(*waiting)] == [["by-hand", "new"]] * 2
    assert lists.asked == 2


async def test_who_stops_waiting_takes_the_list_from_nobody_else() -> None:
    lists = Lists()
    leaving, staying = (asyncio.ensure_future(lists.find()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    lists.give("new")
    assert ids(await staying) == ["by-hand", "new"]
    assert lists.asked == 1


async def test_without_any_list_the_catalogues_is_there_with_the_error_and_is_not_kept() -> None:
    lists = Lists()
    lists.following.put_nowait(RoutesFailed("away"))
    listed = await lists.find()
    assert (listed.source, listed.fetched_at) == ("curated", None)
    assert ids(listed) == ["by-hand", *OPENAI.entry.models]
    assert isinstance(listed.error, RoutesFailed)
    lists.give("new")
    assert (await lists.find()).source == "live"


async def test_a_list_belongs_to_its_key_and_its_address() -> None:
    lists = Lists()
    lists.give("of the first")
    await lists.find()
    for other in (
        Provider("openai", api_key="another-key-123"),
        Provider("openai", api_key="openai-key-123", base_url="https://other.test/v1"),
    ):
        lists.give("of the other")
        assert ids(await lists.find(other)) == ["of the other"]
    assert "key-123" not in repr(vars(lists.discovery))
    assert ids(await lists.find()) == ["by-hand", "of the first"]


async def test_the_catalogue_gives_only_the_order_and_hand_made_ids_stay() -> None:
    curated = OPENAI.entry.models
    lists = Lists()
    lists.give("zebra", curated[1], curated[0], "by-hand")
    listed = await lists.find()
    assert ids(listed) == ["by-hand", curated[0], curated[1], "zebra"]
    assert {model.context_length for model in listed.models} == {8}


async def test_a_list_of_nothing_is_none() -> None:
    lists = Lists()
    lists.give()
    assert (await lists.find()).source == "curated"
    lists.give("new")
    await lists.find(refresh=True)
    lists.give()
    assert ids(await lists.find(refresh=True)) == ["by-hand", "new"]


async def test_what_was_kept_from_before_counts_by_its_age() -> None:
    lists = Lists()
    lists.discovery.keep(OPENAI, (Model("kept", "Kept"),), NOW - 10)
    assert (ids(await lists.find()), lists.asked) == (["by-hand", "kept"], 0)
    lists.discovery.keep(OPENAI, (Model("later", "Later"),), NOW)
    assert ids(await lists.find()) == ["by-hand", "kept"]
    lists.now += LIST_LIFETIME
    assert (await lists.find()).is_stale


async def test_a_provider_without_a_list_is_never_asked_for_one() -> None:
    lists = Lists()
    listed = await lists.find(Provider("perplexity", api_key="k"), refresh=True)
    assert (listed.source, listed.error, lists.asked) == ("curated", None, 0)


def test_a_stored_list_is_read_and_a_damaged_one_is_not() -> None:
    row = {"id": "a", "name": "A", "context_length": 8, "has_tools": True, "unknown": 1}
    assert load_models({"models": [row, {"id": 3}, None], "fetched_at": 5}) == (
        (Model("a", "A", 8, has_tools=True),),
        5,
    )
    damaged: Any
    for damaged in (
        None,
        [],
        {},
        {"models": [row]},
        {"models": [row], "fetched_at": "5"},
        {"models": [{"id": "a", "name": "A", "context_length": "8"}], "fetched_at": 5},
        {"models": [], "fetched_at": 5},
    ):
        assert load_models(damaged) is None


async def test_a_bare_list_is_a_list() -> None:
    answer = MockResponse(200, {}, [b'[{"id": "zai-org/GLM"}, {"id": "other"}]'])
    asked = Client([Provider("together", api_key="k")], transport=MockTransport(lambda _: answer))
    listed = await asked.models("together")
    assert (listed.source, ids(listed)) == ("live", ["zai-org/GLM", "other"])


@pytest.mark.parametrize("body", [b"null", b"3", b'"models"', b"<html>"])
async def test_what_is_no_list_is_reported(body: bytes) -> None:
    transport = MockTransport(lambda _: MockResponse(200, {}, [body]))
    listed = await Client([OPENAI], transport=transport).models("openai")
    assert listed.source == "curated"
    assert listed.error is not None
    assert "no list of models" in listed.error.message
