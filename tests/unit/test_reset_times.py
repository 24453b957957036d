"""When the next request will be taken, in each form that providers say it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sidestep.dialects._reset_times import read_body_wait, read_header_wait, read_reset_stamp

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Fri, 06 Nov 2026 08:50:37 GMT"}, 60.0),
        ({"retry-after": "Fri, 06 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "7", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1s"}, 7.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2m59.5s"}, 179.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h0m1s"}, 3601.0),
        ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "1s"}, None),
        ({"x-ratelimit-reset-tokens": "1s"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "4s",
            },
            4.0,
        ),
        ({"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "33011.25"}, 33011.25),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-06T08:49:50Z",
            },
            13.0,
        ),
        ({"anthropic-ratelimit-requests-reset": "2026-11-06T08:49:50Z"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((NOW + 20) * 1000))}, 20.0),
        ({"x-ratelimit-reset": str(int(NOW + 20))}, 20.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": str(int(NOW + 20))}, None),
    ],
)
def test_each_header_is_read(headers: dict[str, str], wait: float | None) -> None:
    assert read_header_wait(headers, NOW) == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "nan", "inf", "1e3", "٣", "9" * 400, "9" * 16, "1s later", "Fri, 99 Nov 2026 08:50:37 GMT"],
)
def test_what_is_no_time_is_left_unread(value: str) -> None:
    assert read_header_wait({"retry-after": value}, NOW) is None


def test_without_a_clock_only_lengths_are_read() -> None:
    assert read_header_wait({"retry-after": "Fri, 06 Nov 2026 08:50:37 GMT"}, None) is None
    assert read_header_wait({"x-ratelimit-reset": str(int(NOW * 1000))}, None) is None
    assert read_header_wait({"retry-after": "5"}, None) == 5


def test_googles_and_openrouters_bodies_are_read() -> None:
    retry_info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
    assert read_body_wait({"details": [{"@type": "else"}, 3, retry_info]}, None) == pytest.approx(34.07)
    copied = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": int((NOW + 9) * 1000)}
    assert read_body_wait({"metadata": {"headers": copied}}, NOW) == pytest.approx(9, abs=0.01)
    nothing: dict[str, Any]
    for nothing in ({}, {"details": "none"}, {"details": [{"retryDelay": 3}]}, {"metadata": {"headers": []}}):
        assert read_body_wait(nothing, NOW) is None


def test_zais_stamp_is_beijing_time() -> None:
    expected = datetime(2026, 9, 4, 11, 1, 25, tzinfo=UTC).timestamp()
    words = "Usage limit reached for 5 hour. Your limit will reset at 2026-09-04 19:01:25"
    assert read_reset_stamp(words) == expected
    assert read_reset_stamp("[1308][Usage limit reached for 5 hour][2026-09-04 19:01:25]") == expected
    assert read_reset_stamp("您的限额将在 2026-09-04 19:01:25 重置") == expected
    for words in ("at 2026-09-04 19:01:25", "reset at 2026-99-04 19:01:25", "reset at noon", ""):
        assert read_reset_stamp(words) is None
