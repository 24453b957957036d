"""The diagnosis: for each rule what it says, how sure it is, what it rests on, and what to do."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from sidestep import (
    AuthenticationError,
    ConnectionFailed,
    ConnectionLost,
    FetchRejected,
    NoRoute,
    Provider,
    RelayAuthenticationError,
    RelayUnreachable,
    RoutesFailed,
    ServerError,
    SidestepError,
    StreamIncomplete,
    TransportTimeout,
    UnexpectedResponse,
)
from sidestep.diagnosis import (
    RULES,
    Action,
    Cause,
    Observations,
    Preflight,
    Remedy,
    ServerAnswer,
    ServerStep,
    ServerView,
    Sighting,
    Verdict,
    diagnose,
    sight,
)
from sidestep.diagnosis.cases import Case
from sidestep.sightings import read_sightings

PAGE = "https://page.test"
OPENAI = Provider("openai", api_key="openai-key-123")
ZAI = Provider("zai-coding", api_key="zai-key-123")
CLAUDE = Provider("anthropic", api_key="claude-key-123")
OLLAMA = Provider("ollama")
MINE = Provider("mine", base_url="https://llm.mine.example/v1", api_key="mine-key-123", headers={"X-Team": "a"})
PROVIDERS = (OPENAI, ZAI, CLAUDE, OLLAMA, MINE)

REJECTED = Sighting("rejected", error="FetchRejected")
UNREACHABLE = Sighting("unreachable", error="ConnectionFailed", code="refused")
TIMEOUT = Sighting("timeout", error="TransportTimeout", elapsed=8.0)
CUT = Sighting("cut", error="ConnectionLost")
GOOD = Sighting("answered", 200)
BAD_BODY = Sighting("answered", 400, "BadRequest", message="It refused the request.")
WRONG_KEY = Sighting("answered", 401, "AuthenticationError", "invalid_api_key", message="It refused the key.")
NO_BALANCE = Sighting("answered", 429, "QuotaExceeded", "1113", message="No balance.")
BUSY = Sighting("answered", 429, "RateLimited", "rate_limit_exceeded")
NO_MODEL = Sighting("answered", 404, "ModelNotFound", "model_not_found")
WEB_PAGE = Sighting("garbled", 200, "UnexpectedResponse")
BAD_TOKEN = Sighting("answered", 401, "RelayAuthenticationError", "relay_token_wrong", "relay", "It refused its token.")
NO_DESTINATION = Sighting("answered", 403, "RelayRefused", "destination_refused", "relay", "It may not go there.")

OK = ServerStep(is_ok=True)
LETS_PASS = Preflight(is_ok=True, status=204, allow_origin="*")
LACKS_ALL = Preflight(is_ok=False, status=200, lacks_origin=True, missing_headers=("authorization", "content-type"))
READABLE = ServerAnswer(401, is_readable=True)
HIDDEN = ServerAnswer(401, is_readable=False)
CLOSED = ServerView(OK, OK, OK, LACKS_ALL, HIDDEN)
OPEN = ServerView(OK, OK, OK, LETS_PASS, READABLE)
HIDES = ServerView(OK, OK, OK, LETS_PASS, HIDDEN)


def observe(provider: Provider = OPENAI, **seen: Any) -> Observations:
    base = Observations(
        page_origin=PAGE,
        url=f"{provider.base_url}/chat/completions",
        headers=("authorization", "content-type"),
        relay_name="Attic",
        relay_url="https://attic.test",
        help="allowed" if "relayed" in seen or "relay_probe" in seen else "none",
    )
    if provider is OLLAMA:
        base = replace(base, address_space="loopback", is_crossing=True)
    return replace(base, **seen)


def judge(provider: Provider = OPENAI, **seen: Any) -> Verdict:
    return diagnose(observe(provider, **seen), provider)


def actions(verdict: Verdict) -> list[Action]:
    return [remedy.action for remedy in verdict.remedies if remedy.action]


def pastes(verdict: Verdict) -> list[str]:
    return [remedy.paste for remedy in verdict.remedies if remedy.paste]


# somebody answered from here, and said what is wrong


def test_a_good_answer_is_ok_and_proves_the_way_open() -> None:
    verdict = judge(direct=GOOD)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("ok", "proven", "open")


def test_the_unbillable_request_alone_shows_that_the_way_is_open() -> None:
    verdict = judge(unbillable=BAD_BODY)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("ok", "likely", "open")
    assert any("HTTP 400" in sentence for sentence in verdict.basis)


def test_where_only_a_relay_may_ask_its_good_answer_is_ok() -> None:
    assert judge(relayed=GOOD).certainty == "proven"
    verdict = judge(relayed=NO_MODEL, is_relayed_unbillable=True)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("ok", "likely", None)


@pytest.mark.parametrize(
    ("error", "status", "cause", "action"),
    [
        ("AuthenticationError", 401, "auth", "edit_key"),
        ("PermissionDenied", 403, "permission", "pick_model"),
        ("QuotaExceeded", 429, "quota", "edit_address"),
        ("RateLimited", 429, "rate_limit", "wait"),
        ("ModelNotFound", 404, "model_unknown", "pick_model"),
        ("BadRequest", 400, "bad_request", ""),
        ("ContentRefused", 400, "content_refused", ""),
        ("Overloaded", 529, "overloaded", "wait"),
        ("ServerError", 500, "server_error", "retry"),
    ],
)
def test_a_refusal_that_can_be_read_is_believed(error: str, status: int, cause: str, action: str) -> None:
    verdict = judge(direct=Sighting("answered", status, error, "its_code", message="It said so."))
    assert (verdict.cause, verdict.certainty, verdict.behind) == (cause, "proven", "")
    assert "It said so." in verdict.basis
    assert verdict.learns == "open", "who reads a refusal was let pass"
    assert not action or action in actions(verdict)


def test_a_bare_403_or_429_may_come_from_somebody_in_between() -> None:
    for error, status in (("PermissionDenied", 403), ("RateLimited", 429), ("ModelNotFound", 404)):
        assert judge(direct=Sighting("answered", status, error)).certainty == "likely"
    assert judge(direct=Sighting("answered", 401, "AuthenticationError")).certainty == "proven"


def test_an_organisation_that_forbids_browsers_is_no_wrong_key() -> None:
    said = "Anthropic refused the key: “CORS requests are not allowed for this Organization”"
    refusal = Sighting("answered", 401, "AuthenticationError", "authentication_error", message=said)
    verdict = judge(CLAUDE, direct=refusal, help="unconsented")
    assert (verdict.cause, verdict.certainty) == ("browser_forbidden", "proven")
    assert actions(verdict) == ["allow_relay"]
    assert said in verdict.basis
    assert judge(OPENAI, direct=refusal).cause == "auth", "these words mean that at Anthropic, as the catalogue says"


def test_an_answer_that_breaks_off_is_incomplete() -> None:
    for answer in (CUT, replace(CUT, error="StreamIncomplete")):
        verdict = judge(direct=answer)
        assert (verdict.cause, verdict.certainty, actions(verdict)) == ("incomplete", "proven", ["retry"])
    assert judge(direct=REJECTED, relayed=CUT).cause == "incomplete"


def test_a_web_page_at_the_usual_address_is_somebody_in_between() -> None:
    verdict = judge(direct=WEB_PAGE)
    assert (verdict.cause, verdict.certainty) == ("captive_portal", "likely")
    assert judge(MINE, direct=WEB_PAGE, relayed=WRONG_KEY).cause == "captive_portal", "the relay met the API itself"
    assert judge(direct=replace(WEB_PAGE, status=511)).certainty == "proven", "that status means a sign-in page"


def test_a_web_page_at_an_address_of_ones_own_is_probably_the_wrong_address() -> None:
    verdict = judge(MINE, direct=WEB_PAGE)
    assert (verdict.cause, verdict.certainty) == ("wrong_address", "likely")
    assert actions(verdict)[0] == "edit_address"


def test_a_web_page_seen_from_two_places_is_the_provider_itself() -> None:
    verdict = judge(direct=WEB_PAGE, relayed=WEB_PAGE)
    assert (verdict.cause, verdict.certainty) == ("server_error", "likely")


def test_a_web_page_with_a_guards_status_could_be_anybodys() -> None:
    verdict = judge(direct=replace(WEB_PAGE, status=403))
    assert (verdict.cause, verdict.certainty) == ("cannot_tell", "cannot_tell")


# what the browser knows for certain


def test_offline_is_believed_and_online_is_not() -> None:
    verdict = judge(direct=REJECTED, is_online=False, reach="inconclusive")
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("offline", "proven", None)
    assert judge(direct=REJECTED, is_online=True).cause == "cannot_tell"
    assert judge(OLLAMA, direct=REJECTED, is_online=False).cause == "cannot_tell", "this computer needs no network"
    assert judge(direct=WRONG_KEY, is_online=False).cause == "auth", "an answer came, whatever is the matter now"
    assert judge(OLLAMA, direct=REJECTED, is_online=False, address_space="local").certainty == "likely"


def test_an_encrypted_page_may_not_call_what_is_not() -> None:
    verdict = judge(is_mixed_content=True, url="http://llm.example/v1/chat/completions", help="unconsented")
    assert (verdict.cause, verdict.certainty) == ("mixed_content", "proven")
    assert actions(verdict) == ["edit_address", "allow_relay"]
    assert PAGE in verdict.basis[0]


def test_the_pages_own_policy_is_named_by_its_directive() -> None:
    verdict = judge(direct=REJECTED, csp_directive="connect-src", reach="inconclusive")
    assert (verdict.cause, verdict.certainty) == ("content_policy", "proven")
    assert "connect-src" in verdict.basis[0]
    assert pastes(verdict)[0] == "connect-src https://api.openai.com"


def test_a_local_network_that_is_denied() -> None:
    verdict = judge(OLLAMA, direct=REJECTED, permission="denied", reach="inconclusive")
    assert (verdict.cause, verdict.certainty) == ("local_network_permission", "proven")
    assert actions(verdict) == ["open_permission"]
    assert PAGE in verdict.remedies[0].text
    assert judge(OLLAMA, direct=REJECTED, permission="denied", is_crossing=False).cause == "cannot_tell", (
        "a page of this computer needs no leave"
    )


def test_a_local_network_that_the_browser_has_yet_to_ask_about_is_not_guessed_at() -> None:
    verdict = judge(OLLAMA, direct=REJECTED, permission="prompt", is_unasked=True)
    assert (verdict.cause, actions(verdict)) == ("cannot_tell", ["open_permission"])
    assert "the browser asks you" in verdict.message


def test_a_local_network_that_was_not_asked_for_needs_proof_that_the_server_runs() -> None:
    near: dict[str, Any] = {"direct": REJECTED, "permission": "prompt", "relay_space": "loopback"}
    verdict = judge(OLLAMA, **near, relay_probe=ServerView(OK, OK))
    assert (verdict.cause, verdict.certainty) == ("local_network_permission", "likely")
    assert judge(OLLAMA, **near).cause == "cannot_tell"


# the same by a relay


def test_a_wrong_key_that_the_provider_hides_from_pages() -> None:
    verdict = judge(direct=REJECTED, relayed=WRONG_KEY, reach="reachable")
    assert (verdict.cause, verdict.behind, verdict.certainty) == ("cors_hidden_errors", "auth", "proven")
    assert actions(verdict) == ["edit_key"]
    assert any("Attic" in sentence and "401" in sentence for sentence in verdict.basis)
    assert verdict.learns is None, "whether a good answer would arrive was not seen"
    assert judge(direct=REJECTED, relayed=WRONG_KEY, relay_probe=HIDES).learns == "hides_errors"


def test_a_hidden_refusal_that_may_pass_is_only_likely() -> None:
    verdict = judge(direct=REJECTED, relayed=BUSY)
    assert (verdict.cause, verdict.behind, verdict.certainty) == ("cors_hidden_errors", "rate_limit", "likely")
    assert actions(verdict) == ["wait"]
    assert judge(direct=REJECTED, relayed=NO_BALANCE).certainty == "proven"
    keyless = Provider("openai")
    assert diagnose(observe(direct=REJECTED, relayed=WRONG_KEY), keyless).certainty == "likely", "the relay's own key?"


def test_a_wrong_key_at_a_provider_that_answers_no_page_is_first_a_wrong_key() -> None:
    verdict = judge(ZAI, direct=REJECTED, relayed=WRONG_KEY, relay_probe=CLOSED)
    assert (verdict.cause, verdict.certainty, actions(verdict)) == ("auth", "proven", ["edit_key"])
    assert any("authorization" in sentence for sentence in verdict.basis)


def test_a_provider_that_answers_no_page_is_proven_by_its_preflight() -> None:
    verdict = judge(ZAI, direct=REJECTED, relayed=GOOD, reach="reachable", relay_probe=CLOSED)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cors_blocked", "proven", "blocked")
    assert any("the header authorization, content-type" in sentence for sentence in verdict.basis)
    assert actions(verdict) == ["route_relay"]
    assert pastes(verdict) == [
        f"Access-Control-Allow-Origin: {PAGE}\nAccess-Control-Allow-Headers: authorization, content-type"
    ]


def test_one_header_of_ones_own_too_many_is_named() -> None:
    preflight = Preflight(is_ok=False, status=200, allow_origin="*", missing_headers=("x-team",))
    verdict = judge(MINE, direct=REJECTED, relayed=GOOD, relay_probe=ServerView(OK, OK, OK, preflight))
    assert verdict.cause == "cors_blocked"
    assert any("Remove the header X-Team" in remedy.text for remedy in verdict.remedies)
    assert pastes(verdict) == ["Access-Control-Allow-Headers: x-team"]


def test_a_method_that_is_not_allowed_is_named() -> None:
    preflight = Preflight(is_ok=False, status=200, allow_origin="*", lacks_method=True)
    verdict = judge(MINE, direct=REJECTED, relayed=GOOD, relay_probe=ServerView(OK, OK, OK, preflight))
    assert pastes(verdict) == ["Access-Control-Allow-Methods: POST"]


def test_a_good_answer_without_its_header_blocks_too() -> None:
    view = ServerView(OK, OK, OK, LETS_PASS, ServerAnswer(200, is_readable=False))
    verdict = judge(MINE, direct=REJECTED, relay_probe=view)
    assert (verdict.cause, verdict.certainty) == ("cors_blocked", "proven")
    assert pastes(verdict) == [f"Access-Control-Allow-Origin: {PAGE}"]


def test_without_the_relays_view_blocked_is_only_likely() -> None:
    verdict = judge(ZAI, direct=REJECTED, relayed=GOOD, reach="reachable")
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cors_blocked", "likely", "blocked")
    weaker = judge(ZAI, unbillable=REJECTED, relayed=NO_MODEL, is_relayed_unbillable=True, reach="reachable")
    assert (weaker.cause, weaker.certainty, weaker.learns) == ("cors_blocked", "likely", None)


def test_an_answer_by_relay_alone_does_not_say_what_stops_the_browser() -> None:
    verdict = judge(ZAI, direct=REJECTED, relayed=GOOD, reach="inconclusive")
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cannot_tell", "cannot_tell", None)
    assert actions(verdict)[0] == "route_relay"


def test_what_is_open_elsewhere_and_silent_here_is_blocked_here() -> None:
    verdict = judge(direct=REJECTED, relayed=GOOD, reach="inconclusive", relay_probe=OPEN)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("blocked_here", "likely", None)
    assert "ad blocker" in verdict.remedies[0].text
    assert judge(direct=REJECTED, relayed=GOOD, reach="reachable", relay_probe=OPEN).cause == "cannot_tell"


def test_in_a_program_blocked_here_is_what_only_the_relay_can_reach() -> None:
    verdict = judge(direct=UNREACHABLE, relayed=GOOD, is_browser=False, page_origin="")
    assert (verdict.cause, verdict.certainty) == ("blocked_here", "likely")
    assert "this computer" in verdict.message


def test_refusals_that_pages_may_not_read_are_seen_by_the_relay() -> None:
    verdict = judge(direct=REJECTED, reach="reachable", relay_probe=HIDES)
    assert (verdict.cause, verdict.behind, verdict.certainty) == ("cors_hidden_errors", "", "likely")
    assert actions(verdict)[0] == "edit_key"
    later = judge(direct=REJECTED, reach="reachable", relayed=GOOD, relay_probe=HIDES)
    assert later.cause == "cannot_tell", "the same request was taken, so it was no refusal that lasts"
    look: dict[str, Any] = {"reach": "reachable", "relayed": BAD_BODY, "is_relayed_unbillable": True}
    verdict = judge(unbillable=REJECTED, relay_probe=HIDES, **look)
    assert verdict.cause == "cannot_tell", "the look is refused also where all is well"
    assert "but the look itself" in verdict.message


def test_a_call_lost_on_an_open_way() -> None:
    verdict = judge(direct=REJECTED, unbillable=BAD_BODY)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cannot_tell", "cannot_tell", "open")
    assert actions(verdict)[:2] == ["retry", "edit_key"]
    assert judge(direct=REJECTED, unbillable=WRONG_KEY).cause == "auth", "this refusal could be read"
    assert judge(direct=REJECTED, unbillable=BAD_BODY, relayed=WRONG_KEY).behind == "auth"


# what the relay sees of the address


def test_a_host_that_does_not_exist() -> None:
    view = ServerView(ServerStep(is_ok=False, error="not_found"))
    verdict = judge(MINE, direct=REJECTED, reach="inconclusive", relay_probe=view)
    assert (verdict.cause, verdict.certainty, actions(verdict)) == ("unreachable", "proven", ["edit_address"])
    assert "There is no host llm.mine.example" in verdict.message
    hurried = ServerView(ServerStep(is_ok=False, error="timeout"))
    assert judge(MINE, direct=REJECTED, relay_probe=hurried).certainty == "likely"
    for word in ("timed out", "failed"):
        passing = ServerView(ServerStep(is_ok=False, error=word))
        assert judge(MINE, direct=REJECTED, relay_probe=passing).certainty == "likely", "another try may end otherwise"
    home = "https://llm.corp/v1/chat/completions"
    assert judge(MINE, direct=REJECTED, relay_probe=view, url=home).certainty == "likely", "one network may know it"
    assert judge(MINE, direct=REJECTED, reach="reachable", relay_probe=view).cause != "unreachable"


def test_a_host_that_takes_no_connection() -> None:
    view = ServerView(OK, ServerStep(is_ok=False, error="refused"))
    assert judge(MINE, direct=REJECTED, relay_probe=view).certainty == "likely"
    verdict = judge(MINE, direct=UNREACHABLE, is_browser=False, relay_probe=view)
    assert (verdict.cause, verdict.certainty) == ("unreachable", "proven")


def test_a_certificate_that_is_wrong() -> None:
    view = ServerView(OK, OK, ServerStep(is_ok=False, error="certificate"))
    verdict = judge(MINE, direct=REJECTED, relay_probe=view)
    assert (verdict.cause, verdict.certainty, actions(verdict)) == ("tls", "proven", ["edit_address"])


def test_a_relay_elsewhere_says_nothing_of_this_computer() -> None:
    verdict = judge(OLLAMA, direct=REJECTED, relayed=GOOD, relay_probe=CLOSED, reach="reachable")
    assert (verdict.cause, verdict.certainty) == ("cors_blocked", "likely"), "by the catalogue, not by that relay"
    near = judge(OLLAMA, direct=REJECTED, relayed=GOOD, relay_probe=CLOSED, relay_space="loopback")
    assert (near.cause, near.certainty) == ("cors_blocked", "proven")
    assert f"OLLAMA_ORIGINS={PAGE}" in pastes(near)


def test_the_provider_answers_nobody() -> None:
    unreached = Sighting("answered", 502, "ServerError", "provider_unreachable")
    verdict = judge(direct=REJECTED, relayed=unreached)
    assert (verdict.cause, verdict.certainty) == ("unreachable", "likely")
    verdict = judge(direct=TIMEOUT, relayed=replace(unreached, code="provider_timeout"))
    assert (verdict.cause, verdict.certainty) == ("timeout", "likely")


def test_what_the_relay_saw_of_an_answer_counts() -> None:
    page = Sighting("garbled", 502, "ServerError", "provider_answer")
    assert judge(MINE, direct=WEB_PAGE, relayed=page).cause == "wrong_address"
    assert judge(direct=WEB_PAGE, relayed=page).cause == "server_error", "here and elsewhere the same"
    assert judge(direct=REJECTED, relayed=Sighting("cut", 200, "ServerError", "provider_incomplete")).cause == (
        "incomplete"
    )


# the relay could not help


def test_a_relays_token_is_never_taken_for_the_providers_key() -> None:
    verdict = judge(direct=REJECTED, relayed=BAD_TOKEN)
    assert (verdict.cause, verdict.certainty, actions(verdict)) == ("relay_auth", "proven", ["edit_relay"])
    assert "saw no key" in verdict.message


def test_a_relay_that_refuses_is_quoted() -> None:
    verdict = judge(direct=REJECTED, relayed=NO_DESTINATION)
    assert (verdict.cause, verdict.certainty) == ("relay_refused", "proven")
    assert "It may not go there." in verdict.basis


def test_a_relay_that_does_not_know_the_page_gets_its_setting() -> None:
    verdict = judge(direct=REJECTED, relayed=REJECTED, relay_reach="reachable")
    assert (verdict.cause, verdict.certainty) == ("relay_refused", "likely")
    assert pastes(verdict) == [f"SIDESTEP_ORIGINS={PAGE}"]


def test_a_relay_that_is_down() -> None:
    verdict = judge(direct=REJECTED, relayed=REJECTED, relay_reach="inconclusive")
    assert (verdict.cause, verdict.certainty) == ("relay_down", "likely")
    assert "https://attic.test" in verdict.message
    assert judge(relayed=UNREACHABLE, is_browser=False).certainty == "proven"
    assert judge(relayed=replace(WEB_PAGE, origin="relay")).cause == "relay_down"


def test_a_relay_that_answers_this_page_and_loses_the_request_knows_the_page() -> None:
    seen: dict[str, Any] = {"direct": REJECTED, "relayed": REJECTED, "relay_reach": "reachable"}
    verdict = judge(**seen, is_relay_readable=True)
    assert (verdict.cause, verdict.certainty) == ("relay_down", "likely")
    assert "gave no answer to the request itself" in verdict.message
    assert judge(**seen, is_relay_readable=False).cause == "relay_refused"


def test_where_nothing_answers_at_all_it_may_be_the_network() -> None:
    for reach in ("inconclusive", "silent"):
        verdict = judge(direct=REJECTED, relayed=REJECTED, reach=reach, relay_reach=reach)
        assert (verdict.cause, verdict.certainty) == ("cannot_tell", "cannot_tell")
        near = judge(direct=REJECTED, relayed=REJECTED, reach=reach, relay_reach=reach, relay_space="loopback")
        assert near.cause == "relay_down", "this computer needs no network"
    assert judge(direct=REJECTED, relayed=REJECTED, reach="reachable", relay_reach="silent").cause == "relay_down"


def test_a_relay_of_this_computer_that_was_not_asked_for_may_run() -> None:
    near: dict[str, Any] = {"relay_space": "loopback", "is_relay_crossing": True, "relay_permission": "prompt"}
    verdict = judge(direct=REJECTED, relayed=REJECTED, **near)
    assert (verdict.cause, actions(verdict)[0]) == ("cannot_tell", "open_permission")


def test_a_relay_of_this_computer_that_the_page_may_not_call() -> None:
    near: dict[str, Any] = {"relay_space": "loopback", "is_relay_crossing": True}
    verdict = judge(direct=REJECTED, relayed=REJECTED, relay_permission="denied", **near)
    assert (verdict.cause, verdict.certainty) == ("local_network_permission", "proven")
    assert actions(verdict) == ["open_permission"]


def test_an_encrypted_page_may_not_call_a_relay_that_is_not() -> None:
    verdict = judge(direct=REJECTED, relayed=REJECTED, is_relay_mixed=True, relay_url="http://relay.example")
    assert (verdict.cause, verdict.certainty, actions(verdict)) == ("mixed_content", "proven", ["edit_relay"])


# nothing to compare with


def test_our_own_clock_is_exact_and_says_no_more() -> None:
    verdict = judge(direct=TIMEOUT)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("timeout", "proven", None)
    assert judge(direct=TIMEOUT, relayed=GOOD, reach="inconclusive").cause == "timeout", "a long answer is silent too"
    assert judge(direct=TIMEOUT, relayed=GOOD, reach="silent").cause == "blocked_here"
    assert "8 seconds" in verdict.message


def test_a_program_is_told_why_there_is_no_connection() -> None:
    program: dict[str, Any] = {"is_browser": False, "page_origin": ""}
    assert judge(direct=UNREACHABLE, **program).certainty == "proven"
    assert judge(direct=replace(UNREACHABLE, code="tls"), **program).cause == "tls"
    verdict = judge(direct=replace(UNREACHABLE, code=""), **program)
    assert (verdict.cause, verdict.certainty) == ("unreachable", "likely")


def test_a_local_server_that_is_silent_may_not_run() -> None:
    verdict = judge(OLLAMA, direct=REJECTED, reach="inconclusive", permission="granted")
    assert (verdict.cause, verdict.certainty) == ("cannot_tell", "cannot_tell")
    assert "Start Ollama" in verdict.remedies[0].text
    assert pastes(verdict) == [f"OLLAMA_ORIGINS={PAGE}"]


@pytest.mark.parametrize(
    ("kind", "paste"),
    [
        ("ollama", f"OLLAMA_ORIGINS={PAGE}"),
        ("lm-studio", "lms server start --cors"),
        ("vllm", f"--allowed-origins '[\"{PAGE}\"]'"),
        ("llama-cpp", f"--cors-origins {PAGE}"),
        ("litellm-proxy", f"LITELLM_CORS_ORIGINS={PAGE}"),
    ],
)
def test_a_local_server_that_runs_gets_the_line_that_opens_it(kind: str, paste: str) -> None:
    provider = Provider("local", kind=kind, base_url="http://127.0.0.1:9000/v1")
    seen = replace(observe(OLLAMA, direct=REJECTED, reach="reachable"), url=f"{provider.base_url}/chat/completions")
    verdict = diagnose(seen, provider)
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cors_blocked", "likely", None)
    assert paste in pastes(verdict)


def test_one_refusal_never_proves_blocked() -> None:
    verdict = judge(ZAI, direct=REJECTED, reach="reachable")
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cors_blocked", "likely", None)
    assert actions(verdict)[0] == "add_relay"
    assert f"SIDESTEP_ORIGINS={PAGE} sidestep-relay serve" in pastes(verdict)


def test_a_provider_that_used_to_answer_pages_is_not_called_blocked() -> None:
    verdict = judge(OPENAI, direct=REJECTED, reach="reachable")
    assert (verdict.cause, verdict.certainty) == ("cannot_tell", "cannot_tell")
    assert actions(verdict)[0] == "edit_key"


def test_of_a_provider_that_nothing_is_known_of_a_refusal_decides_nothing() -> None:
    verdict = judge(MINE, direct=REJECTED, reach="reachable")
    assert (verdict.cause, verdict.certainty) == ("cannot_tell", "cannot_tell")
    assert {"add_relay", "edit_key"} <= set(actions(verdict))


def test_nothing_but_a_refusal_decides_nothing() -> None:
    verdict = judge(direct=REJECTED, reach="inconclusive")
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cannot_tell", "cannot_tell", None)
    assert len(verdict.basis) == 2
    assert judge().basis == ("Nothing was looked at.",)


def test_neither_words_nor_time_decide() -> None:
    plain = judge(direct=REJECTED, reach="inconclusive")
    for message in ("Failed to fetch", "NetworkError when attempting to fetch resource.", "net::ERR_NAME_NOT_RESOLVED"):
        for elapsed in (0.001, 30.0):
            verdict = judge(direct=replace(REJECTED, message=message, elapsed=elapsed), reach="inconclusive")
            assert verdict == plain


# every combination


CHOICES: dict[str, list[Any]] = {
    "is_browser": [True, True, True, False],
    "page_origin": [PAGE, "", "http://localhost:8000"],
    "method": ["POST", "GET"],
    "headers": [("authorization", "content-type"), ()],
    "is_online": [None, True, True, False],
    "is_mixed_content": [False, False, False, True],
    "csp_directive": ["", "", "", "connect-src"],
    "address_space": ["public", "public", "local", "loopback"],
    "is_crossing": [False, True],
    "permission": ["granted", "denied", "prompt", "unknown"],
    "reach": ["reachable", "unreachable", "inconclusive", "silent", None],
    "relay_reach": ["reachable", "inconclusive", "silent", None],
    "is_relay_readable": [None, True, False],
    "is_unasked": [False, False, False, True],
    "relay_space": ["public", "loopback", "local"],
    "is_relay_crossing": [False, True],
    "relay_permission": ["granted", "denied", "prompt", "unknown"],
    "is_relayed_unbillable": [False, True],
    "is_relay_mixed": [False, False, False, True],
    "help": ["none", "unconsented", "allowed"],
    "direct": [
        None, REJECTED, REJECTED, REJECTED, UNREACHABLE, TIMEOUT, CUT, GOOD, BAD_BODY, WRONG_KEY, NO_BALANCE, BUSY,
        NO_MODEL, WEB_PAGE, replace(WEB_PAGE, status=511), Sighting("answered", 418, "NeverHeardOf"),
    ],
    "unbillable": [None, REJECTED, REJECTED, BAD_BODY, WRONG_KEY, TIMEOUT, UNREACHABLE, WEB_PAGE],
    "relayed": [
        None, GOOD, GOOD, WRONG_KEY, NO_BALANCE, BUSY, NO_MODEL, BAD_TOKEN, NO_DESTINATION, REJECTED, UNREACHABLE,
        TIMEOUT, CUT, WEB_PAGE, Sighting("answered", 502, "ServerError", "provider_unreachable"),
    ],
    "relay_probe": [
        None, CLOSED, OPEN, HIDES, ServerView(), ServerView(ServerStep(is_ok=False, error="not_found")),
        ServerView(OK, ServerStep(is_ok=False, error="refused")), ServerView(OK, OK, ServerStep(is_ok=False)),
        ServerView(OK, OK, OK, LETS_PASS, ServerAnswer(200, is_readable=False)),
    ],
}  # fmt: skip


def draw_cases(count: int) -> list[tuple[Observations, Provider]]:
    dice = random.Random(20261124)  # noqa: S311 - the same cases every time
    return [
        (
            replace(observe(provider), **{name: dice.choice(values) for name, values in CHOICES.items()}),
            provider,
        )
        for provider in (dice.choice(PROVIDERS) for _ in range(count))
    ]


class Proof:
    """What proves a verdict, told without the rules' help."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.tried = [sighting for sighting in (seen.direct, seen.unbillable) if sighting]
        self.all = [*self.tried, *([seen.relayed] if seen.relayed else [])]
        is_near = seen.relay_space == "loopback" or seen.address_space == seen.relay_space == "local"
        is_told = seen.address_space == "public" or is_near
        self.view = (seen.relay_probe if is_told else None) or ServerView()

    def has(self, *sightings: Sighting) -> bool:
        return any(sighting in self.all for sighting in sightings)

    def is_silent(self) -> bool:
        return all(sighting.kind in {"rejected", "unreachable", "timeout"} for sighting in self.tried)

    def is_locked(self) -> bool:
        own = self.is_silent() and self.seen.is_crossing and self.seen.permission == "denied"
        is_relay_silent = self.seen.relayed in {REJECTED, UNREACHABLE, TIMEOUT}
        return own or (is_relay_silent and self.seen.is_relay_crossing and self.seen.relay_permission == "denied")

    def is_closed(self) -> bool:
        preflight, answer = self.view.preflight, self.view.answer
        is_asked = bool(self.seen.headers)
        return (is_asked and preflight is not None and not preflight.is_ok) or (
            answer is not None and not answer.is_readable and answer.status == 200
        )

    def is_refused(self) -> bool:
        return self.seen.is_browser and bool(self.tried) and all(row.kind == "rejected" for row in self.tried)

    def has_failed(self, step: ServerStep | None) -> bool:
        return step is not None and not step.is_ok and self.is_silent() and self.seen.reach != "reachable"


PROOFS: dict[str, Callable[[Proof], bool]] = {
    "ok": lambda proof: proof.seen.direct is GOOD or (not proof.tried and proof.seen.relayed is GOOD),
    "offline": lambda proof: proof.seen.is_online is False and proof.is_silent(),
    "mixed_content": lambda proof: (
        (proof.seen.is_mixed_content and proof.is_silent())
        or (proof.seen.is_relay_mixed and proof.seen.relayed in {REJECTED, UNREACHABLE, TIMEOUT})
    ),
    "content_policy": lambda proof: bool(proof.seen.csp_directive) and proof.is_silent(),
    "local_network_permission": Proof.is_locked,
    "cors_blocked": lambda proof: proof.is_refused() and proof.is_closed(),
    "cors_hidden_errors": lambda proof: REJECTED in proof.tried and proof.seen.relayed in {WRONG_KEY, NO_BALANCE},
    "unreachable": lambda proof: UNREACHABLE in proof.tried or proof.has_failed(proof.view.dns),
    "tls": lambda proof: proof.has_failed(proof.view.tls),
    "timeout": lambda proof: TIMEOUT in proof.tried,
    "incomplete": lambda proof: proof.has(CUT),
    "relay_auth": lambda proof: proof.seen.relayed is BAD_TOKEN,
    "relay_refused": lambda proof: proof.seen.relayed is NO_DESTINATION,
    "relay_down": lambda proof: proof.seen.relayed is UNREACHABLE,
    "captive_portal": lambda proof: any(sighting.status == 511 for sighting in proof.tried),
    "auth": lambda proof: proof.has(WRONG_KEY),
    "quota": lambda proof: proof.has(NO_BALANCE),
    "rate_limit": lambda proof: proof.has(BUSY),
    "model_unknown": lambda proof: NO_MODEL in proof.tried,
    "bad_request": lambda proof: BAD_BODY in proof.tried,
    "server_error": lambda proof: any(sighting.error == "NeverHeardOf" for sighting in proof.tried),
}


CASES = draw_cases(20_000)


def test_proven_is_said_only_with_what_proves_it() -> None:
    for seen, provider in CASES:
        verdict = diagnose(seen, provider)
        if verdict.certainty == "proven":
            assert PROOFS[verdict.cause](Proof(seen)), (verdict, seen)


def test_every_verdict_is_whole_and_in_words_that_are_known() -> None:
    causes, known_actions = set(get_args(Cause)), set(get_args(Action))
    for seen, provider in CASES:
        verdict = diagnose(seen, provider)
        assert verdict.cause in causes
        assert (verdict.cause == "cannot_tell") == (verdict.certainty == "cannot_tell")
        assert verdict.message.endswith(".")
        assert verdict.basis
        assert all(sentence for sentence in verdict.basis)
        assert verdict.remedies or verdict.cause == "ok", verdict
        assert {remedy.action for remedy in verdict.remedies} <= known_actions
        assert not verdict.behind or verdict.cause == "cors_hidden_errors"
        assert "{" not in "".join(pastes(verdict)), "a placeholder was left in"
        json.dumps(verdict.to_dict())


def test_blocked_is_remembered_only_by_a_page_that_was_refused_and_something_to_compare_with() -> None:
    for seen, provider in CASES:
        if diagnose(seen, provider).learns == "blocked":
            assert seen.is_browser
            assert REJECTED in (seen.direct, seen.unbillable)
            assert seen.relayed is GOOD or seen.relay_probe is not None


def test_open_is_remembered_only_by_a_page_that_read_an_answer() -> None:
    for seen, provider in CASES:
        if diagnose(seen, provider).learns == "open":
            kinds = [sighting.kind for sighting in (seen.direct, seen.unbillable) if sighting]
            assert seen.is_browser
            assert "answered" in kinds


def test_every_rule_decides_some_case() -> None:
    silent = set(RULES)
    for seen, provider in CASES:
        case = Case(seen, provider)
        silent.discard(next((rule for rule in RULES if rule(case)), RULES[0]))
    assert not silent


# what is read in


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FetchRejected("no"), "rejected"),
        (ConnectionFailed("no"), "unreachable"),
        (TransportTimeout("no"), "timeout"),
        (ConnectionLost("no"), "cut"),
        (StreamIncomplete("no"), "cut"),
        (UnexpectedResponse("no", status=200), "garbled"),
        (AuthenticationError("no", status=401), "answered"),
    ],
)
def test_an_error_is_one_sighting(error: SidestepError, kind: str) -> None:
    sighting = sight(error, 1.5)
    assert sighting is not None
    assert (sighting.kind, sighting.error, sighting.elapsed) == (kind, type(error).__name__, 1.5)


def test_an_error_of_a_relay_is_the_relays() -> None:
    refused = sight(RelayAuthenticationError("no", status=401, code="relay_token_wrong"))
    assert refused
    assert (refused.origin, refused.status, refused.code) == ("relay", 401, "relay_token_wrong")
    silent = RoutesFailed("The relay does not answer.")
    silent.__cause__ = FetchRejected("no")
    assert sight(silent) == Sighting("rejected", error="FetchRejected", message="no")
    assert sight(RoutesFailed("Nobody answered.")) is None
    assert sight(NoRoute("There is no way.")) is None


def test_a_relay_that_gave_no_answer_is_a_sighting_too() -> None:
    silent = RelayUnreachable("The relay does not answer.")
    silent.__cause__ = FetchRejected("no")
    assert sight(silent) == Sighting("rejected", error="FetchRejected", message="no")


def test_what_a_relay_says_of_an_answer_is_more_than_its_class() -> None:
    for code, kind in (("provider_answer", "garbled"), ("provider_incomplete", "cut"), ("provider_server", "answered")):
        sighting = sight(ServerError("no", status=502, code=code))
        assert sighting
        assert sighting.kind == kind
        written = ServerError("no", status=502, code=code).to_dict() | {"route": {"kind": "relay", "relay": "attic"}}
        read = read_sightings(written).relayed
        assert read
        assert read.kind == kind


def test_why_a_connection_failed_is_kept() -> None:
    error = ConnectionFailed("no")
    error.reason = "tls"
    sighting = sight(error)
    assert sighting
    assert sighting.code == "tls"


def test_a_relays_view_is_read_and_what_is_odd_in_it_is_left_out() -> None:
    view = ServerView.load(
        {
            "url": "https://api.test",
            "dns": {"ok": True, "error": None, "ms": 3},
            "tcp": {"ok": True, "error": None, "ms": 9},
            "tls": {"ok": False, "error": "certificate", "ms": 20},
            "preflight": {
                "ok": False, "status": 200, "allow_origin": None, "allow_methods": [], "allow_headers": [],
                "missing": {"origin": True, "method": False, "headers": ["Authorization"]}, "max_age": None, "ms": 30,
            },
            "answer": {"status": 401, "allow_origin": "*", "is_readable": True, "content_type": "Text/HTML; charset=a"},
            "elapsed_ms": 60,
        }
    )  # fmt: skip
    assert view == ServerView(
        OK,
        OK,
        ServerStep(is_ok=False, error="certificate"),
        Preflight(is_ok=False, status=200, lacks_origin=True, missing_headers=("authorization",)),
        ServerAnswer(401, is_readable=True, content_type="text/html"),
    )
    odds: list[Any] = [
        None,
        1,
        "",
        [],
        {},
        {"ok": "yes"},
        {"is_readable": 1},
        {"ok": True, "status": True, "missing": 3},
    ]
    for odd in odds:
        read = ServerView.load({field.name: odd for field in fields(ServerView)})
        assert read.dns in {None, OK}
        assert read.answer is None
        assert read.preflight in {None, Preflight(is_ok=True)}


def test_a_verdict_is_written_as_the_protocol_has_it() -> None:
    verdict = Verdict("offline", "proven", "It is.", ("Seen.",), (Remedy("Do.", action="retry"),))
    assert verdict.to_dict() == {
        "cause": "offline",
        "certainty": "proven",
        "message": "It is.",
        "basis": ["Seen."],
        "remedies": [{"text": "Do.", "paste": "", "action": "retry"}],
        "behind": "",
        "learns": None,
    }
