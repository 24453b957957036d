"""The matrix in a real browser: its own CORS, real relays, real servers that misbehave; nothing is stubbed.

One page serves nearly all cells, and one with a narrower policy the rest: their Python is asked over the page's own
protocol, as their buttons ask it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from sidestep import Config, Consent, Provider, Relay
from tests.browser.pages import OVERHEAR
from tests.e2e.apps import App
from tests.faults.browser_matrix import BROWSER_CELLS
from tests.faults.matrix import Cell
from tests.faults.scores import Score, Scores
from tests.faults.servers import Misbehaves, OtherProgram, hold_closed_port, run_host
from tests.faults.worlds import RelayHost
from tests.relay.certificates import Authority
from tests.relay.servers import RunningRelay, run_relay
from tools.servers import serve_folder

# Asked from beside the page, its own worker answers just as it answers the page.
_CALL = """([id, command, payload]) => new Promise((resolve) => {
  const events = [];
  globalThis.lastEvents = events;
  const listen = ({ data }) => {
    if (data.id !== id) return;
    if (data.kind === "events") { events.push(...data.events); return; }
    overheard.removeEventListener("message", listen);
    resolve({ events, value: data.value ?? null, error: data.error ?? null });
  };
  overheard.addEventListener("message", listen);
  overheard.postMessage({ id, command, payload });
})"""
_BEGIN = f"(parts) => {{ globalThis.pending = ({_CALL})(parts); }}"
_HAS_TEXT = """() => lastEvents.some(({ type }) => type === "text_delta")"""
_FIRST_ID = 1_000_000  # beyond those that the page gives
# The narrower policy: it knows this computer by its number only, and the provider is called by its name.
_USUAL_POLICY, _NARROW_POLICY = "connect-src 'self' https: http:", "connect-src 'self' http://127.0.0.1:*"
_WRONG_TOKEN = "a-wrong-token-0123456789-abcdefghij"


@dataclass
class Stage:
    """A page that is open, the relays, and all the hosts of the cells.

    Attributes:
        hosts: the base URL and the server of each cell, by its place.
        relay: one that is well.
        stranger: one whose list of origins lacks this page.
        closed_port: at which nobody listens.
        narrow: the same with a page whose own policy lets it call fewer hosts.
    """

    page: Page
    origin: str
    hosts: list[tuple[str, Misbehaves]]
    relay: RunningRelay
    stranger: RunningRelay
    programs: dict[bytes, OtherProgram]
    closed_port: int
    narrow: Stage | None = None
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_ID))

    def call(self, command: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Give the page's Python a command; return its events and its end."""
        answered: dict[str, Any] = self.page.evaluate(_CALL, [next(self._ids), command, payload])
        return answered

    def chat(self, question: dict[str, Any], server: Misbehaves) -> dict[str, Any]:
        """Ask; let an answer that breaks off do so once its text is there."""
        if not server.breaks_off:
            return self.call("chat", question)
        self.page.evaluate(_BEGIN, [next(self._ids), "chat", question])
        self.page.wait_for_function(_HAS_TEXT)
        server.break_off.release()
        answered: dict[str, Any] = self.page.evaluate("() => pending")
        return answered

    def configure(self, config: Config) -> None:
        """Lay a configuration down."""
        secrets = {
            "providers": {provider.id: provider.api_key for provider in config.providers},
            "relays": {relay.id: relay.token for relay in config.relays},
        }
        payload = {"config": config.to_dict(), "secrets": secrets, "knowledge": {}, "models": {}}
        answered = self.call("configure", payload | {"page_origin": self.origin})
        assert answered["value"] == {"problems": []}

    def find_relay(self, behaves: RelayHost) -> tuple[str, str]:
        """Return the address and the token of a relay that behaves so."""
        if behaves.page:
            return self.programs[behaves.page].origin, self.relay.token
        if behaves.obstacle:
            return f"http://127.0.0.1:{self.closed_port}", self.relay.token
        running = self.relay if behaves.knows_page else self.stranger
        return running.url, _WRONG_TOKEN if behaves.refusal else running.token

    def find_lesson(self, provider: Provider) -> str:
        """Return what the page learned of the direct way."""
        rows = self.call("bundle", {"user_agent": ""})["value"]["evidence"]
        verdicts = [row["verdict"] for row in rows if row.get("key", {}).get("provider_origin") == provider.origin]
        return verdicts[-1] if verdicts else "nothing"


@pytest.fixture(scope="module")
def stage(
    browser: Browser, static_server: str, site_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    chain = Authority(folder).issue("own", is_self_signed=True)
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(run_host(cell.row.host, cell.row.provider.dialect, chain)) for cell in BROWSER_CELLS
        ]
        hosts = [(find_address(cell, url), server) for cell, (url, server) in zip(BROWSER_CELLS, hosts, strict=True)]
        destinations = sorted({Provider("any", base_url=base_url).origin for base_url, _ in hosts})
        narrow_server = stack.enter_context(serve_folder(narrow_policy(site_dir, folder / "site")))
        origins = [static_server, narrow_server]
        relay = stack.enter_context(run_relay(origins=origins, destinations=destinations))
        stranger = stack.enter_context(run_relay(origins=["https://another.page"], destinations=destinations))
        contents = {cell.row.relay.page for cell in BROWSER_CELLS if cell.row.relay.page}
        programs = {content: stack.enter_context(OtherProgram(content)) for content in contents}
        closed_port = stack.enter_context(hold_closed_port())
        context = stack.enter_context(browser.new_context())
        context.add_init_script(OVERHEAR)
        usual, narrow = (
            Stage(App(context.new_page(), origin).open().page, origin, hosts, relay, stranger, programs, closed_port)
            for origin in origins
        )
        usual.narrow = narrow
        yield usual


def find_address(cell: Cell, base_url: str) -> str:
    """Return the address by which a cell's provider is called."""
    return base_url.replace("127.0.0.1", "localhost") if cell.row.here.policy else base_url


def narrow_policy(site: Path, folder: Path) -> Path:
    """Return *folder*, made into the same page with a narrower policy."""
    folder.mkdir()
    for entry in site.iterdir():
        (folder / entry.name).symlink_to(entry)
    headers = (site / "_headers").read_text()
    assert _USUAL_POLICY in headers
    (folder / "_headers").unlink()
    (folder / "_headers").write_text(headers.replace(_USUAL_POLICY, _NARROW_POLICY))
    return folder


@pytest.mark.parametrize("place", range(len(BROWSER_CELLS)), ids=[str(cell) for cell in BROWSER_CELLS])
def test_cell_in_the_browser(place: int, stage: Stage, scores: Scores) -> None:
    cell, (base_url, server) = BROWSER_CELLS[place], stage.hosts[place]
    row, kind = cell.row, cell.row.provider.entry.id
    stage = (row.here.policy and stage.narrow) or stage
    # Names of its own, so that nothing known of one cell's routes counts in another.
    provider = Provider(f"cell-{place}", kind=kind, base_url=base_url, api_key=server.key, name=f"Cell {place}")
    stage.configure(Config((provider,), *list_relays(cell, place, stage)))
    stage.page.context.set_offline(not row.here.is_online)
    model = f"{provider.id}/{server.models[0]}"
    question = {"model": model, "messages": [{"role": "user", "content": "Say hello"}], "parameters": {}, "tags": []}
    chat = stage.chat(question, server)
    chats = len(server.billed)
    looked = stage.call("diagnose", {"model": model, "error": chat["error"], "may_prompt": False})
    stage.page.context.set_offline(False)
    assert len(server.billed) == chats, "a diagnosis asks nothing that anybody bills"
    verdict = looked["value"]
    cause = "/".join(filter(None, (verdict["cause"], verdict["behind"])))
    scores.note(Score(f"{cell}, in the browser", row.truth, cause, verdict["certainty"], row.excuse))
    seen, words = tell(chat)
    assert row.says in words
    assert (seen, chats, cause, verdict["certainty"], stage.find_lesson(provider)) == row.expected


def test_a_closed_provider_costs_one_failed_preflight_in_the_browser(stage: Stage) -> None:
    place = next(place for place, cell in enumerate(BROWSER_CELLS) if str(cell) == "closed to pages (mine), relay")
    cell, (base_url, server) = BROWSER_CELLS[place], stage.hosts[place]
    provider = Provider("closed", kind="custom", base_url=base_url, api_key=server.key)
    stage.configure(Config((provider,), *list_relays(cell, place, stage)))
    stage.call("forget_evidence", {"provider": "closed"})
    before = server.failed_preflights
    question = {"model": f"closed/{server.models[0]}", "parameters": {}, "tags": [], "fresh": True}
    for turn in range(3):
        chat = stage.call("chat", question | {"messages": [{"role": "user", "content": f"Turn {turn}"}]})
        assert tell(chat)[0] == "relay Attic"
        assert [event["type"] for event in chat["events"]].count("route_failed") == (turn == 0)
    assert server.failed_preflights == before + 1


def test_no_verdict_in_the_browser_is_wrong(stage: Stage, scores: Scores) -> None:
    assert scores.wrong == []
    assert [row for row in scores.rows if row.is_open != bool(row.excuse)] == []


def list_relays(cell: Cell, place: int, stage: Stage) -> tuple[tuple[Relay, ...], frozenset[Consent]]:
    """Return the relays of a cell and their consents; the second relay is one that is tried after the first."""
    relays = []
    if cell.routes != "direct":
        url, token = stage.find_relay(cell.row.relay)
        relays.append(Relay(url, token=token, id=f"attic-{place}", name="Attic"))
    if cell.routes == "two relays":
        relays.append(Relay(stage.relay.url, token=stage.relay.token, id=f"cellar-{place}", name="Cellar", group=1))
    is_allowed = cell.routes != "not allowed"
    return tuple(relays), frozenset(Consent(row.id, "*") for row in relays if is_allowed)


def tell(chat: dict[str, Any]) -> tuple[str, str]:
    """Return what the user sees, and the words of it."""
    if error := chat["error"]:
        return error["type"], f"{error['message']} {error['remedy']}"
    [taken] = [event for event in chat["events"] if event["type"] == "route_taken"]
    return taken["route"]["label"], taken["reason"]
