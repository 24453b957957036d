"""The probes: what is looked at, in which order, and above all what is not sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sidestep import Config, Consent, FetchRejected, MockResponse, MockTransport, Provider, Relay
from sidestep.diagnosis import Sighting, Verdict
from sidestep.probes import Examination, Probed
from sidestep.transports import NullSurroundings, Surroundings
from sidestep.transports.mock import MockSurroundings
from sidestep.types import HttpRequest
from tests.unit.answers import refused

KEY, TOKEN = "openai-key-123", "attic-token-123"
OPENAI = Provider("openai", api_key=KEY)
OLLAMA = Provider("ollama")
ATTIC = Relay("https://attic.test", token=TOKEN, name="Attic")
NEAR = Relay("http://127.0.0.1:8787", token=TOKEN, name="Near")
REJECTED = Sighting("rejected", error="FetchRejected")
LOST = FetchRejected("refused by the browser")

OPEN_VIEW: dict[str, Any] = {
    "url": "https://api.openai.com/v1/chat/completions",
    "dns": {"ok": True, "error": None, "ms": 1},
    "tcp": {"ok": True, "error": None, "ms": 1},
    "tls": {"ok": True, "error": None, "ms": 1},
    "preflight": {"ok": True, "status": 204, "allow_origin": "*", "missing": {}},
    "answer": {"status": 401, "is_readable": True, "content_type": "application/json"},
}
CLOSED_VIEW = OPEN_VIEW | {
    "preflight": {
        "ok": False,
        "status": 200,
        "missing": {"origin": True, "method": False, "headers": ["authorization"]},
    }
}
NO_HOST_VIEW = {"dns": {"ok": False, "error": "not_found", "ms": 1}, "tcp": None, "tls": None}
NO_MODEL = {"error": {"message": "No such model", "code": "model_not_found"}}
WRONG_KEY = {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}

Answer = MockResponse | Exception


def said(document: Any) -> MockResponse:
    return MockResponse(200, {"content-type": "application/json"}, [json.dumps(document).encode()])


def relay_error(status: int, code: str) -> MockResponse:
    error = {"message": "The relay said so.", "type": "x", "code": code, "origin": "relay"}
    return refused(status, {"error": error})


class World:
    """A provider, a relay and the way between them, all made up."""

    def __init__(
        self,
        *relays: Relay,
        provider: Provider = OPENAI,
        direct: Answer = LOST,
        view: Answer | None = None,
        relayed: Answer = LOST,
        allowed: bool = True,
        around: Surroundings | None = None,
        seen: Sighting | None = None,
        before: Sighting | None = None,
        **options: Any,
    ) -> None:
        self.around = around if around is not None else MockSurroundings()
        self.transport = MockTransport(self.answer)
        self._answers = (direct, view or relay_error(404, "http_404"), relayed)
        self._relays = tuple(relay.url for relay in relays)
        consents = frozenset(Consent(relay.id, provider.id) for relay in relays if allowed)
        self.examination = Examination(
            provider,
            Config((provider,), relays, consents),
            self.transport,
            self.around,
            direct=seen,
            relayed=before,
            **options,
        )

    def answer(self, request: HttpRequest) -> Answer:
        direct, view, relayed = self._answers
        if not request.url.startswith(self._relays or ("none",)):
            return direct
        return view if request.url.endswith("/v1/probe") else relayed

    async def run(self) -> Verdict:
        self.found = [found async for found in self.examination.run()]
        verdict = self.found[-1]
        assert isinstance(verdict, Verdict)
        assert all(isinstance(found, Probed) for found in self.found[:-1])
        return verdict

    @property
    def layers(self) -> list[str]:
        return [found.layer for found in self.found if isinstance(found, Probed)]

    @property
    def asked(self) -> list[str]:
        return [request.url for request in self.transport.requests]

    @property
    def reached(self) -> list[str]:
        assert isinstance(self.around, MockSurroundings)
        return self.around.reached


async def test_everything_is_looked_at_when_a_call_was_refused() -> None:
    world = World(ATTIC, direct=LOST, view=said(CLOSED_VIEW), relayed=refused(404, NO_MODEL))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty, verdict.learns) == ("cors_blocked", "proven", "blocked")
    assert world.layers == ["browser", "address", "request", "server", "relay"]
    assert world.reached == ["https://api.openai.com/v1/chat/completions"]
    assert world.asked == [
        "https://api.openai.com/v1/chat/completions",
        "https://attic.test/v1/probe",
        "https://attic.test/v1/chat/completions",
    ]


async def test_no_body_that_is_sent_can_be_billed() -> None:
    world = World(ATTIC, view=said(OPEN_VIEW), relayed=refused(404, NO_MODEL))
    await world.run()
    direct, _, relayed = world.transport.requests
    assert direct.body == b"{}"
    body = json.loads(relayed.body or b"")
    assert body == {"model": "openai/sidestep-diagnosis", "messages": [{"role": "diagnosis"}], "max_tokens": 0}


async def test_the_unbillable_call_is_the_same_to_a_preflight() -> None:
    mine = Provider("mine", base_url="https://llm.example/v1", api_key=KEY, headers={"X-Team": "a"})
    world = World(provider=mine)
    await world.run()
    [request] = world.transport.requests
    assert (request.method, request.url) == ("POST", "https://llm.example/v1/chat/completions")
    assert {name.lower() for name in request.headers} == {"authorization", "content-type", "x-team"}
    assert world.examination.observations.headers == ("authorization", "content-type", "x-team")


async def test_a_relays_probe_is_told_names_and_no_secret_but_its_own() -> None:
    world = World(ATTIC, view=said(OPEN_VIEW))
    await world.run()
    probe = next(request for request in world.transport.requests if request.url.endswith("/probe"))
    assert json.loads(probe.body or b"") == {
        "url": "https://api.openai.com/v1/chat/completions",
        "method": "POST",
        "headers": ["authorization", "content-type"],
        "origin": "https://page.test",
    }
    assert probe.headers["Authorization"] == f"Bearer {TOKEN}"
    assert KEY not in str(dict(probe.headers)) + (probe.body or b"").decode()


async def test_a_relay_without_consent_is_asked_nothing() -> None:
    world = World(ATTIC, allowed=False, view=said(OPEN_VIEW), direct=LOST)
    verdict = await world.run()
    assert not any("attic" in url for url in [*world.asked, *world.reached])
    assert "allow_relay" in [remedy.action for remedy in verdict.remedies]


async def test_a_call_that_was_answered_needs_no_look_at_all() -> None:
    for answer in (Sighting("answered", 401, "AuthenticationError"), Sighting("cut", error="ConnectionLost")):
        world = World(ATTIC, view=said(OPEN_VIEW), seen=answer)
        verdict = await world.run()
        assert verdict.cause in {"auth", "incomplete"}
        assert not world.asked + world.reached


async def test_offline_nothing_is_sent() -> None:
    world = World(ATTIC, around=MockSurroundings(online=False))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("offline", "proven")
    assert not world.asked + world.reached


async def test_mixed_content_nothing_is_sent() -> None:
    plain = Provider("mine", base_url="http://llm.example/v1", api_key=KEY)
    world = World(ATTIC, provider=plain)
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("mixed_content", "proven")
    assert not world.asked + world.reached


async def test_a_policy_of_the_page_is_found_without_a_key() -> None:
    world = World(ATTIC, around=MockSurroundings(directive="connect-src", answer="inconclusive"))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("content_policy", "proven")
    assert not world.asked, "the look without a key was enough"


async def test_what_can_be_reached_is_not_asked_for_its_policy() -> None:
    verdict = await World(around=MockSurroundings(directive="connect-src", answer="reachable")).run()
    assert verdict.cause != "content_policy", "another call to that origin was forbidden, not this one"


async def test_this_computer_is_asked_only_for_a_provider_of_this_computer() -> None:
    world = World(ATTIC, view=said(OPEN_VIEW))
    await world.run()
    assert not [url for url in [*world.asked, *world.reached] if "localhost" in url or "127.0.0.1" in url]
    local = World(provider=OLLAMA, around=MockSurroundings(permissions={"loopback": "granted"}))
    await local.run()
    assert local.layers[:3] == ["browser", "permission", "address"]
    assert {url.split("/")[2] for url in [*local.asked, *local.reached]} == {"localhost:11434"}


async def test_a_denied_permission_is_believed_and_nothing_is_sent() -> None:
    world = World(provider=OLLAMA, around=MockSurroundings(permissions={"loopback": "denied"}))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("local_network_permission", "proven")
    assert not world.asked + world.reached


async def test_the_browser_asks_the_person_only_after_the_page_has_said_so() -> None:
    around = MockSurroundings(permissions={"loopback": "prompt"})
    world = World(provider=OLLAMA, around=around)
    verdict = await world.run()
    assert (verdict.cause, verdict.remedies[0].action) == ("cannot_tell", "open_permission")
    assert "the browser asks you" in verdict.message
    assert not world.asked + world.reached
    told = World(provider=OLLAMA, around=around, may_prompt=True)
    await told.run()
    assert told.reached, "asked for by a click, it is looked at"


async def test_a_relay_of_this_computer_is_asked_only_if_the_browser_will_not_ask_first() -> None:
    for state, may_prompt, is_asked in (
        ("granted", False, True),
        ("unknown", False, True),
        ("prompt", False, False),
        ("prompt", True, True),
        ("denied", True, False),
    ):
        around = MockSurroundings(permissions={"loopback": state})  # type: ignore[dict-item]
        world = World(NEAR, view=said(OPEN_VIEW), around=around, may_prompt=may_prompt)
        await world.run()
        assert any("127.0.0.1" in url for url in world.asked) is is_asked, (state, may_prompt)
    home = World(NEAR, view=said(OPEN_VIEW), around=MockSurroundings(page_origin="http://localhost:8000"))
    await home.run()
    assert any("127.0.0.1" in url for url in home.asked), "a page of this computer needs no leave"


async def test_an_open_way_is_found_without_the_relay() -> None:
    world = World(ATTIC, direct=refused(400, {"error": {"message": "messages is missing"}}))
    verdict = await world.run()
    assert (verdict.cause, verdict.learns) == ("ok", "open")
    assert world.asked == ["https://api.openai.com/v1/chat/completions"]


async def test_a_wrong_key_that_can_be_read_needs_no_relay() -> None:
    world = World(ATTIC, direct=refused(401, WRONG_KEY))
    assert (await world.run()).cause == "auth"
    assert len(world.asked) == 1


async def test_a_wrong_key_that_cannot_be_read_is_brought_by_the_relay() -> None:
    envelope = {"error": WRONG_KEY["error"] | {"origin": "provider", "provider_status": 401}}
    hidden = OPEN_VIEW | {"answer": {"status": 401, "is_readable": False}}
    world = World(ATTIC, view=said(hidden), relayed=refused(401, envelope))
    verdict = await world.run()
    assert (verdict.cause, verdict.behind, verdict.certainty) == ("cors_hidden_errors", "auth", "proven")
    assert verdict.learns == "hides_errors"
    assert KEY not in json.dumps(verdict.to_dict())


async def test_an_older_relay_is_still_asked_for_an_answer() -> None:
    world = World(ATTIC, view=relay_error(404, "http_404"), relayed=refused(404, NO_MODEL))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("cors_blocked", "likely")
    assert world.examination.observations.relay_probe is None


async def test_a_host_that_does_not_exist_is_not_asked_through_the_relay() -> None:
    around = MockSurroundings(answer="inconclusive")
    world = World(ATTIC, view=said(NO_HOST_VIEW), around=around)
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("unreachable", "proven")
    assert not any(url.endswith("/chat/completions") and "attic" in url for url in world.asked)


async def test_a_relay_that_refuses_its_token_is_asked_once() -> None:
    world = World(ATTIC, view=relay_error(401, "relay_token_wrong"))
    assert (await world.run()).cause == "relay_auth"
    assert sum("attic" in url for url in world.asked) == 1


async def test_a_relay_that_does_not_answer_the_page_is_looked_at_without_its_token() -> None:
    world = World(ATTIC, view=LOST)
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("relay_refused", "likely")
    assert world.reached[-1] == "https://attic.test/healthz"
    assert "SIDESTEP_ORIGINS=https://page.test" in [remedy.paste for remedy in verdict.remedies]


async def test_a_relay_that_may_be_read_is_not_said_not_to_know_the_page() -> None:
    world = World(ATTIC, relayed=said({"status": "ok"}), seen=REJECTED, before=REJECTED)
    verdict = await world.run()
    assert (verdict.cause, world.asked[-1]) == ("relay_down", "https://attic.test/healthz")
    assert "Authorization" not in world.transport.requests[-1].headers


async def test_a_relay_with_trouble_in_its_probe_is_not_said_to_refuse() -> None:
    world = World(ATTIC, view=relay_error(500, "internal"), relayed=refused(404, NO_MODEL))
    assert (await world.run()).cause == "cors_blocked"


async def test_where_only_a_relay_may_ask_nothing_goes_directly() -> None:
    provider = Provider("openai", api_key=KEY, route="relay")
    world = World(ATTIC, provider=provider, view=said(OPEN_VIEW), relayed=refused(404, NO_MODEL))
    verdict = await world.run()
    assert (verdict.cause, verdict.certainty) == ("ok", "likely")
    assert all("attic" in url for url in [*world.asked, *world.reached])


async def test_what_the_client_saw_is_not_asked_again() -> None:
    relayed = Sighting("answered", 401, "AuthenticationError", "invalid_api_key")
    world = World(ATTIC, view=said(OPEN_VIEW), seen=REJECTED, before=relayed)
    assert (await world.run()).behind == "auth"
    assert "https://attic.test/v1/chat/completions" not in world.asked


async def test_a_program_sees_no_browser() -> None:
    world = World(direct=refused(400, {"error": "x"}), around=NullSurroundings())
    verdict = await world.run()
    assert (verdict.cause, verdict.learns) == ("ok", None)
    assert world.layers == ["browser", "request"]


class Stuck(MockTransport):
    """Answers nothing, ever."""

    def __init__(self) -> None:
        super().__init__(lambda _: LOST)
        self.is_asked = asyncio.Event()

    async def send(self, request: HttpRequest) -> MockResponse:
        self.requests.append(request)
        self.is_asked.set()
        await asyncio.Event().wait()
        raise AssertionError


def stuck(**options: Any) -> tuple[Examination, Stuck]:
    transport = Stuck()
    config = Config((OPENAI,), (ATTIC,), frozenset({Consent(ATTIC.id, "openai")}))
    return Examination(OPENAI, config, transport, MockSurroundings(), **options), transport


async def test_each_look_ends_in_time() -> None:
    examination, transport = stuck(patience=0.001)
    async with asyncio.timeout(10):
        found = [found async for found in examination.run()]
    assert isinstance(found[-1], Verdict)
    assert found[-1].cause == "timeout"
    assert len(transport.requests) == 2


async def test_an_examination_can_be_stopped() -> None:
    examination, transport = stuck()

    async def run() -> None:
        async for _ in examination.run():
            pass

    task = asyncio.ensure_future(run())
    await transport.is_asked.wait()
    task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    assert len(transport.requests) == 1


async def test_every_answer_is_closed() -> None:
    direct, view, relayed = refused(403, {}), said(OPEN_VIEW), refused(404, NO_MODEL)
    await World(ATTIC, direct=LOST, view=view, relayed=relayed).run()
    await World(direct=direct).run()
    assert [answer.is_closed for answer in (direct, view, relayed)] == [True, True, True]


def test_what_is_found_is_written_as_the_protocol_has_it() -> None:
    probed = Probed("address", is_good=None, text="Nothing.")
    assert probed.to_dict() == {"layer": "address", "is_good": None, "text": "Nothing."}
