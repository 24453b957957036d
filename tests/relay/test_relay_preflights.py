"""Preflights are judged as a browser judges them (WHATWG Fetch, 4.8 and 4.10)."""

from __future__ import annotations

from typing import Any

import pytest

from sidestep_relay.preflights import Preflight, is_readable, judge_preflight

ORIGIN = "https://page.example"


def judge(*headers: str, status: int = 204, method: str = "POST", origin: str | None = "*", **allow: str) -> Preflight:
    """Judge a preflight that asked for *headers*; `allow` are the answer's `Access-Control-…` headers."""
    answer = {f"access-control-{name.replace('_', '-')}": value for name, value in allow.items()}
    if origin is not None:
        answer["access-control-allow-origin"] = origin
    return judge_preflight(answer, status=status, origin=ORIGIN, method=method, headers=headers)


@pytest.mark.parametrize("origin", ["*", ORIGIN])
def test_the_origin_itself_or_a_star_is_allowed(origin: str) -> None:
    judged = judge(origin=origin)
    assert judged.is_ok
    assert judged.allow_origin == origin


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://PAGE.example",
        "https://page.example/",
        "https://page.example:443",
        "https://page.example, *",
        "*, *",
        "https://*.example",
    ],
)
def test_any_other_origin_is_not(origin: str | None) -> None:
    judged = judge(origin=origin)
    assert (judged.is_ok, judged.is_origin_missing) == (False, True)


@pytest.mark.parametrize(("status", "is_ok"), [(200, True), (204, True), (299, True), (199, False), (300, False)])
def test_the_status_must_be_ok(status: int, is_ok: bool) -> None:
    assert judge(status=status).is_ok is is_ok


def test_simple_methods_need_no_permission_and_others_do() -> None:
    assert judge(method="POST").is_ok
    assert judge(method="GET", allow_methods="PUT").is_ok
    assert judge(method="PUT").is_method_missing
    assert judge(method="PUT", allow_methods="put").is_method_missing
    assert judge(method="PUT", allow_methods="GET, PUT").is_ok
    assert judge(method="PUT", allow_methods="*").is_ok


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ("authorization, content-type", ()),
        ("Content-Type,AUTHORIZATION,", ()),
        ("content-type", ("authorization",)),
        ("", ("authorization", "content-type")),
        ("*", ("authorization",)),
        ("*, Authorization", ()),
        ("x-content-type, authorizations", ("authorization", "content-type")),
    ],
)
def test_every_header_must_be_named_and_a_star_does_not_cover_the_key(allowed: str, missing: tuple[str, ...]) -> None:
    judged = judge("authorization", "content-type", allow_headers=allowed)
    assert judged.missing_headers == missing
    assert judged.is_ok is (missing == ())


def test_no_header_asked_for_needs_no_list() -> None:
    assert judge().is_ok
    assert judge("content-type").missing_headers == ("content-type",)


@pytest.mark.parametrize("broken", [{"allow_methods": "GET; POST"}, {"allow_headers": '"content-type"'}])
def test_a_list_that_is_none_refuses_all(broken: dict[str, Any]) -> None:
    assert not judge(**broken).is_ok
    assert not judge("content-type", **{"allow_headers": "content-type", **broken}).is_ok


def test_lists_are_shown_one_by_one() -> None:
    shown = judge(allow_methods="GET, POST", allow_headers="*, X-Title", max_age="600").to_dict()
    assert (shown["allow_methods"], shown["allow_headers"], shown["max_age"]) == (
        ["GET", "POST"],
        ["*", "x-title"],
        600,
    )


@pytest.mark.parametrize("max_age", ["", "-1", "1.5", "10, 10", "9" * 5000, "²"])
def test_a_max_age_that_is_no_number_is_none(max_age: str) -> None:
    assert judge(max_age=max_age).max_age is None


def test_an_answer_is_readable_with_permission_and_a_redirect_never() -> None:
    allowed = {"access-control-allow-origin": ORIGIN}
    assert is_readable(allowed, status=401, origin=ORIGIN)
    assert not is_readable(allowed, status=302, origin=ORIGIN)
    assert not is_readable({}, status=200, origin=ORIGIN)
