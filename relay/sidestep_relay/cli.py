"""The command `sidestep-relay`."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import threading
import webbrowser
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidestep._version import __version__
from sidestep_relay.certificates import CertificateError, CertificateFiles
from sidestep_relay.check_cli import add_check_command, run_check
from sidestep_relay.config import RelayConfig, SettingError, load_config
from sidestep_relay.guards import Guards
from sidestep_relay.pair_cli import add_pair_command, read_url, run_pair
from sidestep_relay.pairing import make_pairing_link
from sidestep_relay.replays import share_replay_guard
from sidestep_relay.sealing_cli import add_sealing_commands, run_sealing
from sidestep_relay.servers import SERVERS, bind, choose_server
from sidestep_relay.telemetry import make_log
from sidestep_relay.token_cli import add_token_commands, run_token

if TYPE_CHECKING:
    from flask import Flask

    from sidestep_relay.deadlines import Drain
    from sidestep_relay.loading import Spawn

__all__ = ["main"]

_USUAL_PORT = 8787
_HIGHEST_PORT = 65535
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parse(arguments)
    try:
        if options.command == "serve":
            return serve(options, os.environ)
        if options.command == "check":
            return run_check(options, os.environ)
        if options.command == "pair":
            return run_pair(options, os.environ)
        {"sealing": run_sealing, "token": run_token}[options.command](options, os.environ)
    except SettingError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        pass
    return 0


def serve(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Listen, say so, and serve until stopped.

    Raises:
        SettingError: a setting cannot work.
    """
    certificates, wanted = _find_certificates(options), _find_port(options, environment)
    try:
        listener = bind(options.host, wanted)
    except OSError as error:
        return _fail(_explain_bind(error, options.host, wanted))
    with listener:
        port: int = listener.getsockname()[1]
        scheme = "https" if certificates else "http"
        own = (f"{scheme}://127.0.0.1:{port}", f"{scheme}://localhost:{port}") if options.site else ()
        config = load_config(
            environment, file=options.config, tokens=options.tokens, site=options.site, own_origins=own
        )
        url = _write_url(scheme, options.host, port)
        log = make_log()
        guards = Guards(log)
        guards.install()
        with share_replay_guard(options.workers) as guard:
            SERVERS[options.server](
                partial(_make_app, config, environment=environment, log=log, replay_guard=guard),
                listener,
                options.workers,
                guards.let_speak(partial(_announce, config, url, options)),
                deadlines=config.deadlines,
                certificates=certificates,
            )
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sidestep-relay", description="A tiny relay for pages whose provider answers no browser."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    _add_serve_command(commands)
    add_token_commands(commands)
    add_sealing_commands(commands)
    add_pair_command(commands)
    add_check_command(commands)
    return parser.parse_args(arguments)


def _add_serve_command(commands: Any) -> None:
    serving = commands.add_parser("serve", help="run the relay")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    serving.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default: PORT, or 8787)")
    serving.add_argument("--workers", type=int, default=1, help="processes (gunicorn)")
    serving.add_argument("--site", type=Path, metavar="DIR", help="also serve the built page in DIR")
    serving.add_argument("--page", metavar="URL", help="the page to pair with")
    serving.add_argument("--url", type=read_url, help="where the page reaches this relay, if not at host and port")
    serving.add_argument("--open", action="store_true", help="open the page, paired, in the browser")
    serving.add_argument("--config", type=Path, metavar="FILE", help="TOML file with SIDESTEP_… settings")
    serving.add_argument("--tokens", type=Path, metavar="FILE", help="the file of named tokens (SIDESTEP_TOKENS)")
    serving.add_argument("--server", choices=sorted(SERVERS), default=choose_server(), help="what serves")
    serving.add_argument("--certfile", type=Path, metavar="FILE", help="serve TLS with this certificate chain (PEM)")
    serving.add_argument("--keyfile", type=Path, metavar="FILE", help="its key, if it is not in the same file")


def _find_certificates(options: argparse.Namespace) -> CertificateFiles | None:
    if options.certfile is None:
        if options.keyfile:
            raise SettingError("--keyfile: there is no --certfile for this key.")
        return None
    if options.server == "waitress":
        raise SettingError(
            "--certfile: waitress has no TLS; leave it away and let a proxy in front do TLS, or serve with gunicorn "
            "(not on Windows)."
        )
    files = CertificateFiles(options.certfile, options.keyfile)
    try:
        files.check()
    except CertificateError as error:
        raise SettingError(f"--certfile: {error}") from error
    return files


def _find_port(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Return the port of the option, or the one that hosts of containers give in PORT."""
    if options.port is not None:
        return int(options.port)
    given = environment.get("PORT") or str(_USUAL_PORT)
    if not given.isdecimal() or int(given) > _HIGHEST_PORT:
        raise SettingError(f"PORT: {given[:20]!r} is no port.")
    return int(given)


def _make_app(config: RelayConfig, spawn: Spawn, drain: Drain, **options: Any) -> Flask:
    # Here and not above: see `servers`.
    from sidestep_relay.app import create_app  # noqa: PLC0415

    return create_app(config, spawn=spawn, drain=drain, **options)


def _announce(config: RelayConfig, url: str, options: argparse.Namespace) -> None:
    """Say, once requests are accepted, where the relay is and how a page is paired with it."""
    sys.stdout.write(f"Listening on {url}\n")
    if config.sealing:
        sys.stdout.write(f"Pages seal to the key with the fingerprint {config.sealing.current.fingerprint}\n")
    else:
        sys.stdout.write("Nothing can be sealed: no key can be kept; set SIDESTEP_SEALING_KEY.\n")
    public = options.url or url
    page = options.page or (f"{public}/" if config.site else None)
    if page and config.token:
        link = make_pairing_link(page, public, config.token, config.name, sealing_key=config.sealing_key)
        sys.stdout.write(f"Open this link to pair the page with this relay (it holds the token):\n{link}\n")
        if options.open:
            # Some systems' openers wait for the browser to end.
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
    elif not config.token:
        sys.stdout.write("Its tokens are the named ones; `sidestep-relay token add NAME` makes another.\n")
    else:
        sys.stdout.write(
            "Add it to your page as a relay with this URL; its token is SIDESTEP_TOKEN's or in the token file. "
            "With --page URL a pairing link is printed.\n"
        )
    sys.stdout.flush()


def _write_url(scheme: str, host: str, port: int) -> str:
    shown = "127.0.0.1" if host in _EVERYWHERE else host
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def _explain_bind(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port: port {port} is taken by another program; try --port {port + 1}."
    return f"--host: cannot listen on {host}:{port} ({error.strerror})."


def _fail(message: str) -> int:
    sys.stderr.write(f"sidestep-relay: {message}\n")
    return 1
