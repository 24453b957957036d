"""The matrix in a made-up world: what misbehaves, crossed with the routes and the moment."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from sidestep import RouteTaken, SidestepError
from sidestep.calls import make_unbillable
from sidestep.diagnosis import Cause, Certainty, Verdict
from sidestep.routing.evidence import key_for
from sidestep.sightings import read_sightings
from tests.faults.matrix import LESSONS, MOMENTS, Cell, RouteSet, list_cells
from tests.faults.scores import Score, Scores
from tests.faults.worlds import World

CELLS = tuple(list_cells())


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_cell(cell: Cell, scores: Scores) -> None:
    row, world = cell.row, cell.make_world()
    error, route = await ask(world)
    chats = world.chats
    verdict = await world.client.diagnose(f"{row.provider.id}/a-model", error)
    score = Score(str(cell), row.truth, name_verdict(verdict), verdict.certainty, row.excuse)
    scores.note(score)
    if error and world.here.is_page:
        assert await examine(world, error) == verdict, "the page gives the error back as it was written down"
    assert world.chats == chats, "a diagnosis asks nothing that anybody bills"
    seen, words = tell(error, route)
    assert row.says in words
    assert (seen, chats, score.verdict, verdict.certainty, find_lesson(world)) == row.expected


def test_no_verdict_is_wrong(scores: Scores) -> None:
    assert scores.wrong == []
    assert [row for row in scores.rows if row.is_open != bool(row.excuse)] == []


def test_the_matrix_is_whole() -> None:
    # Each of these is found out, not only excused.
    told = {cause for cell in CELLS if not cell.row.excuse for cause in cell.row.truth.split("/")}
    assert told == set(get_args(Cause)) - {"cannot_tell"}
    moments = {(cell.row.moment, cell.routes) for cell in CELLS}
    assert {moment for moment, _ in moments} == set(MOMENTS)
    assert moments >= {(moment, routes) for moment in MOMENTS for routes in ("direct", "relay", "two relays")}
    assert {routes for _, routes in moments} == set(get_args(RouteSet))
    assert len({str(cell) + cell.row.moment for cell in CELLS}) == len(CELLS)
    assert {cell.row.learned for cell in CELLS} == set(LESSONS)
    for cell in CELLS:
        assert cell.row.certainty in get_args(Certainty)
        assert (cell.row.certainty == "cannot_tell") == bool(cell.row.excuse)


async def ask(world: World) -> tuple[SidestepError | None, RouteTaken | None]:
    """Return the error that a chat ends with, or the route of its answer."""
    try:
        reply = await world.client.complete(f"{world.provider.id}/a-model", "Hi")
    except SidestepError as error:
        return error, None
    assert reply.text == "Hello"
    return None, reply.route


async def examine(world: World, error: SidestepError) -> Verdict:
    """Return what the page is told of *error*, which crossed to it and back as JSON."""
    sightings = read_sightings(json.loads(json.dumps(error.to_dict())))
    found = [step async for step in world.client.examine(f"{world.provider.id}/a-model", sightings)]
    assert isinstance(found[-1], Verdict)
    return found[-1]


def tell(error: SidestepError | None, route: RouteTaken | None) -> tuple[str, str]:
    """Return what the user sees, and the words of it."""
    if error:
        return type(error).__name__, f"{error.message} {error.remedy}"
    assert route
    return route.route.label, route.reason


def find_lesson(world: World) -> str:
    """Return what is known of the direct way."""
    request = make_unbillable(world.provider).direct
    finding = world.client.evidence.find(key_for(world.client.page_origin, request, "chat"), world.now)
    return finding.verdict if finding else "nothing"


def name_verdict(verdict: Verdict) -> str:
    """Return the cause, and what is behind it."""
    return f"{verdict.cause}/{verdict.behind}" if verdict.behind else verdict.cause
