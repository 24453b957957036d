"""`sidestep-relay check` says of a relay what is true of it, whatever stands in front, and never says its token."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from sidestep_relay.checks.findings import Finding, write_finding
from sidestep_relay.checks.timing import Reading, judge_patience, judge_stream
from sidestep_relay.cli import main
from tests.fakes import Reply
from tests.fakes.servers import FakeServer
from tests.relay.certificates import Authority
from tests.relay.conftest import PAGE
from tests.relay.fronts import Front, run_front, run_page
from tests.relay.servers import TOKEN, RunningRelay, make_environment, run_relay

EVERYTHING = ["tls", "name", "relay", "ready", "page", "foreign_page", "token", "refusal", "errors", "size", "stream"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the command said.

    Attributes:
        findings: verdict and text by name, in their order.
    """

    status: int
    findings: dict[str, tuple[str, str]]

    def bad(self) -> list[str]:
        """Return the names of what is not well."""
        return [name for name, (verdict, _) in self.findings.items() if verdict != "ok"]

    def tells(self, name: str, verdict: str, words: str) -> bool:
        """Say whether *name* has this verdict and these words in its message or remedy; show it if not."""
        found = self.findings.get(name, ("missing", ""))
        assert found[0] == verdict, found
        assert words in found[1], found
        return True


Check = Callable[..., Report]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Runs the command for a URL; the token is in the environment unless it is given, and may be nowhere else."""

    def run(url: str, *options: str, token: str = TOKEN, page: str = f"{PAGE}/app/") -> Report:
        monkeypatch.setenv("SIDESTEP_TOKEN", token)
        status = main(["check", url, "--json", *(["--page", page] if page else []), *options])
        written = capsys.readouterr()
        assert written.err == ""
        assert TOKEN not in written.out
        report = json.loads(written.out)
        findings = {row["name"]: (row["verdict"], f"{row['message']} {row['remedy']}") for row in report["findings"]}
        assert report["verdict"] == {0: "ok", 1: "warning", 2: "failure"}[status]
        return Report(status, findings)

    return run


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("check"))


@pytest.fixture(scope="module")
def tls_relay(authority: Authority) -> Iterator[RunningRelay]:
    arguments = ["--certfile", str(authority.issue("good", days=90))]
    with run_relay(server="gunicorn", origins=[PAGE], arguments=arguments) as running:
        yield running


# relays


@pytest.mark.alone
def test_a_good_relay_has_nothing_against_it(check: Check, tls_relay: RunningRelay, authority: Authority) -> None:
    report = check(tls_relay.url, "--ca-file", str(authority.file))
    assert list(report.findings) == ["name", "tls", *EVERYTHING[2:], "clients"]
    assert (report.status, report.bad()) == (0, [])
    assert report.tells("tls", "ok", "TLSv1.3, with a certificate that is good until")
    assert not [line for line in tls_relay.log_lines() if line["event"] == "chat"]


@pytest.mark.alone
def test_it_passes_both_servers(check: Check, relay: RunningRelay) -> None:
    report = check(relay.url)
    assert (report.status, report.bad()) == (0, [])


def test_a_page_that_is_not_listed_is_told(check: Check, gunicorn_relay: RunningRelay) -> None:
    report = check(gunicorn_relay.url, page="https://other.example:8443/chat?x=1")
    assert report.status == 2
    assert report.bad() == ["page", "refusal", "errors"]
    assert report.tells("page", "failure", "Set SIDESTEP_ORIGINS=https://other.example:8443")


def test_a_wrong_token_is_told_and_the_rest_still_looked_at(check: Check, gunicorn_relay: RunningRelay) -> None:
    report = check(gunicorn_relay.url, token="another-token-0123456789-abcdefg")
    assert (report.status, report.bad()) == (2, ["token"])
    assert report.tells("token", "failure", "does not know this token")
    assert "refusal" in report.findings
    assert "stream" not in report.findings


def test_without_token_and_page_it_says_what_it_could_not_see(check: Check, gunicorn_relay: RunningRelay) -> None:
    report = check(gunicorn_relay.url, token="", page="")
    assert (report.status, report.bad()) == (1, ["page", "token"])


# what stands in front


@pytest.mark.alone
@pytest.mark.parametrize(
    ("front", "bad", "words"),
    [
        (Front(), {}, ""),
        (Front(buffers=True), {"stream": "failure"}, "A proxy holds streams back"),
        (Front(compresses=True), {"stream": "warning"}, "compresses streams (gzip)"),
        (
            Front(strips=("authorization",)),
            {"token": "failure", "refusal": "failure"},
            "takes the Authorization header",
        ),
        (
            Front(strips=("origin",)),
            {"page": "failure", "refusal": "failure", "errors": "failure"},
            "without its origin",
        ),
        (
            Front(adds={"Access-Control-Allow-Origin": "*"}),
            {"page": "failure", "foreign_page": "failure", "refusal": "failure", "errors": "failure"},
            "Every page may use it",
        ),
        (Front(hides_errors=True), {"refusal": "failure", "errors": "failure", "size": "failure"}, "a web page"),
        (Front(largest_body=1024 * 1024), {"size": "failure"}, "client_max_body_size"),
        (Front(keeps=True), {"refusal": "failure", "stream": "failure"}, "copies of answers"),
        (Front(adds={"Age": "7"}), {"token": "failure"}, "it sent Age"),
        (Front(speaks_for=True), {"clients": "warning"}, "SIDESTEP_TRUSTED_PROXIES=127.0.0.1"),
        (Front(adds={"Server": "nginx/1.22.1"}), {"clients": "warning"}, "A proxy (nginx/1.22.1) does not say"),
    ],
    ids=lambda value: "" if not isinstance(value, Front) else repr(value)[:0] or None,
)
def test_a_proxy_in_between_is_seen(
    check: Check, gunicorn_relay: RunningRelay, front: Front, bad: dict[str, str], words: str
) -> None:
    with run_front(gunicorn_relay.url, front) as url:
        report = check(url)
    assert {name: report.findings[name][0] for name in report.bad()} == bad
    if bad:
        assert report.tells(next(iter(bad)), next(iter(bad.values())), words)


def test_what_answers_everybody_is_told(check: Check) -> None:
    with FakeServer() as fake:
        fake.behaviour = lambda _: Reply(200, {"status": "ok"})
        report = check(fake.origin, token="")
    assert report.bad() == ["ready", "page", "token", "refusal"]
    assert report.tells("refusal", "failure", "Anybody can use this relay")


@pytest.mark.alone
@pytest.mark.parametrize(("idle_s", "verdict"), [(0.6, "failure"), (30, "ok")])
def test_how_long_silence_may_last_is_seen(
    check: Check, gunicorn_relay: RunningRelay, idle_s: float, verdict: str
) -> None:
    with run_front(gunicorn_relay.url, Front(idle_s=idle_s)) as url:
        report = check(url, "--patient", "1")
    assert report.findings["silence"][0] == verdict
    assert report.bad() == (["silence"] if verdict == "failure" else [])


def test_a_proxy_without_a_relay_behind_it_is_told(check: Check) -> None:
    with run_page(502) as url:
        report = check(url)
    assert report.bad() == ["relay"]
    assert report.tells("relay", "failure", "the relay behind it is not running")


# the way there


def test_a_web_page_is_no_relay_and_gets_no_token(check: Check) -> None:
    with FakeServer() as fake:
        fake.behaviour = lambda _: Reply(200, "<html>Hello</html>")
        report = check(fake.origin)
        assert [request.path for request in fake.requests] == ["/healthz"]
        assert "authorization" not in fake.requests[0].headers
    assert (report.status, report.bad()) == (2, ["relay"])
    assert report.tells("relay", "failure", "a web page")


def test_a_redirect_is_told_with_its_aim(check: Check) -> None:
    with run_page(308, {"Location": "https://www.relay.example/"}) as url:
        assert check(url).tells("relay", "failure", "It sends elsewhere: https://www.relay.example/")


def test_nothing_listening_is_told(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    report = check(f"https://127.0.0.1:{port}")
    assert (report.status, report.bad()) == (2, ["connection"])
    assert report.tells("connection", "failure", "Nothing listens")
    assert check(f"http://127.0.0.1:{port}").bad() == ["relay"]


@pytest.mark.parametrize("url", ["http://relay.example", "http://10.1.2.3:8787", "http://localhost.example"])
def test_nothing_is_sent_in_the_clear(check: Check, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was looked up")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    report = check(url)
    assert (report.status, list(report.findings)) == (2, ["tls"])
    assert report.tells("tls", "failure", "Nothing was sent")


def test_a_name_that_is_none_is_told(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", find_nothing)
    assert check("https://relay.example").tells("name", "failure", "Name or service not known")


def test_an_address_of_an_inner_network_is_told(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_page() as url:
        port = int(url.rpartition(":")[2])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.1.2.3", port))]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
        # Nobody is there: the connection is refused by this computer, not tried.
        monkeypatch.setattr("socket.create_connection", lambda *_, **__: (_ for _ in ()).throw(ConnectionRefusedError))
        report = check("https://relay.example")
    assert report.tells("name", "warning", "only who is in that network")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"days": -1}, "has expired"),
        ({"is_self_signed": True}, "Nobody that browsers trust"),
        ({"address": "127.0.0.2"}, "for another name than 127.0.0.1"),
    ],
    ids=["expired", "self-signed", "another name"],
)
def test_a_bad_certificate_is_told_and_gets_no_token(
    check: Check, authority: Authority, options: dict[str, object], words: str
) -> None:
    with run_page(certificate=authority.issue("bad", **options)) as url:  # type: ignore[arg-type]
        report = check(url, "--ca-file", str(authority.file))
    assert (report.status, list(report.findings)) == (2, ["name", "tls"])
    assert report.tells("tls", "failure", words)


def test_an_authority_that_nobody_knows_is_told(check: Check, authority: Authority) -> None:
    with run_page(certificate=authority.issue("unknown")) as url:
        assert check(url).tells("tls", "failure", "--ca-file")


@pytest.mark.alone
def test_a_certificate_that_ends_soon_is_told(check: Check, gunicorn_relay: RunningRelay, authority: Authority) -> None:
    with run_front(gunicorn_relay.url, Front(), certificate=authority.issue("soon", days=5)) as url:
        report = check(url, "--ca-file", str(authority.file))
    assert (report.status, report.bad()) == (1, ["tls"])
    assert report.tells("tls", "warning", "(5 days)")


def test_https_of_a_port_without_tls_is_told(check: Check, gunicorn_relay: RunningRelay) -> None:
    assert check(gunicorn_relay.url.replace("http:", "https:")).tells("tls", "failure", "There is no TLS at port")


# judging streams


def test_events_that_come_in_bursts_are_told() -> None:
    even = Reading(200, ticks=[(0, 0), (250, 255), (500, 502), (750, 751), (1000, 1003)])
    assert judge_stream(even).verdict == "ok"
    burst = Reading(200, ticks=[(0, 0), (250, 800), (500, 801), (750, 802), (1000, 1003)])
    assert judge_stream(burst).verdict == "warning"
    at_once = Reading(200, ticks=[(0, 0), (250, 1), (500, 1), (750, 2), (1000, 2)])
    assert judge_stream(at_once).verdict == "failure"
    assert judge_stream(Reading(404)).verdict == "warning"
    assert judge_stream(Reading(502)).verdict == "failure"


def test_a_cut_that_pings_prevent_is_no_failure() -> None:
    cut = Reading(200, ticks=[(0, 0), (250, 250)], silent_s=60)
    assert judge_patience(cut, 100).verdict == "warning"
    cut.silent_s = 5
    assert judge_patience(cut, 100).verdict == "failure"
    assert "SIDESTEP_PING_SECONDS below 5" in judge_patience(cut, 100).remedy


# the command


def run_command(home: Path, *arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidestep_relay", "check", *arguments]
    environment = make_environment(str(home), [], [], settings)
    return subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )


def test_a_person_reads_what_to_do(tmp_path: Path, gunicorn_relay: RunningRelay) -> None:
    ended = run_command(tmp_path, gunicorn_relay.url, "--token-file", "-", given=f"{TOKEN}\n", PYTHONUTF8="1")
    assert ended.returncode == 1, ended.stderr
    lines = ended.stdout.splitlines()
    assert "✓ token: The token opens it: 'This computer', version" in ended.stdout
    where = lines.index("! page: Whether your page may use it was not looked at.")
    assert lines[where + 1] == "    Give --page URL."
    assert TOKEN not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["relay.example"], "no address"),
        (
            ["https://relay.example", "--token-file", "none"],
            "--token-file: this file cannot be read (No such file",
        ),
        (["https://relay.example", "--ca-file", "none"], "--ca-file: none holds no certificates"),
        (["https://relay.example", "--page", "chat"], "--page: 'chat' is no address of a page"),
        (["https://relay.example:99999"], "is no address"),
        (["https://relay.example", "--patient", "1000"], "--patient"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, arguments: list[str], words: str) -> None:
    ended = run_command(tmp_path, *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stdout == ""


def test_a_token_cannot_be_given_where_everybody_reads_it(tmp_path: Path) -> None:
    # Neither as itself nor in the place of its file.
    for option in ("--token", "--token-file"):
        ended = run_command(tmp_path, "https://relay.example", option, TOKEN)
        assert ended.returncode == 2
        assert "token" in ended.stderr
        assert TOKEN not in ended.stderr + ended.stdout


def test_marks_that_a_terminal_cannot_show_are_left_away() -> None:
    class Narrow(StringIO):
        encoding = "cp1252"

    file = Narrow()
    write_finding(Finding("tls", "failure", "No.", "Do."), file)
    assert file.getvalue() == "x tls: No.\n    Do.\n"
