"""Which parameters a model takes, as the requests that would carry them tell."""

from typing import Any

import pytest

from sidestep.config import Provider
from sidestep.offers import Offer, list_offers


def offered(kind: str, model: str, max_output: int | None = None, **parameters: Any) -> dict[str, Offer]:
    return {offer.name: offer for offer in list_offers(Provider(kind, api_key="k"), model, max_output, parameters)}


def test_a_plain_model_takes_what_its_wire_has() -> None:
    offers = offered("openai", "gpt-4o", 16_384)
    assert {"temperature", "top_p", "max_tokens", "stop", "seed"} <= set(offers)
    assert (offers["temperature"].maximum, offers["max_tokens"].maximum) == (2.0, 16_384)


def test_a_wire_without_a_seed_offers_none() -> None:
    offers = offered("anthropic", "claude-sonnet-4-5")
    assert "seed" not in offers
    assert "presence_penalty" not in offers
    assert offers["temperature"].maximum == 1.0


def test_what_goes_away_while_a_model_thinks_is_not_offered_then() -> None:
    assert "temperature" in offered("anthropic", "claude-sonnet-4-5")
    assert "temperature" not in offered("anthropic", "claude-sonnet-4-5", reasoning_effort="high")


def test_efforts_that_are_written_alike_are_one() -> None:
    choices = offered("anthropic", "claude-sonnet-4-5")["reasoning_effort"].choices
    assert len(choices) == len(set(choices)) > 1


@pytest.mark.parametrize("chosen", [{"temperature": "hot"}, {"reasoning_effort": "enormous"}, {"unheard_of": 1}])
def test_what_cannot_be_sent_is_passed_over(chosen: dict[str, Any]) -> None:
    assert "max_tokens" in offered("openai", "gpt-4o", **chosen)


def test_an_offer_is_written_as_the_page_reads_it() -> None:
    assert Offer("seed", "integer", 0, 7).to_dict() == {
        "name": "seed",
        "kind": "integer",
        "minimum": 0,
        "maximum": 7,
        "choices": [],
    }
