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
from typing import TYPE_CHECKING

from sidestep._version import __version__
from sidestep_relay.config import RelayConfig, SettingError, load_config
from sidestep_relay.pairing import make_pairing_link
from sidestep_relay.replays import ReplayGuard, share_replay_guard
from sidestep_relay.sealing_cli import add_sealing_commands, run_sealing
from sidestep_relay.servers import SERVERS, bind, choose_server
from sidestep_relay.token_cli import add_token_commands, run_token

if TYPE_CHECKING:
    from flask import Flask

    from sidestep_relay.deadlines import Drain
    from sidestep_relay.loading import Spawn

__all__ = ["main"]

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parse(arguments)
    try:
        if options.command == "serve":
            return serve(options, os.environ)
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
    try:
        listener = bind(options.host, options.port)
    except OSError as error:
        return _fail(_explain_bind(error, options.host, options.port))
    with listener:
        port: int = listener.getsockname()[1]
        own = (f"http://127.0.0.1:{port}", f"http://localhost:{port}") if options.site else ()
        config = load_config(
            environment, file=options.config, tokens=options.tokens, site=options.site, own_origins=own
        )
        url = _write_url(options.host, port)
        with share_replay_guard(options.workers) as guard:
            SERVERS[options.server](
                partial(_make_app, config, environment, guard),
                listener,
                options.workers,
                partial(_announce, config, url, page=options.page, should_open=options.open),
                config.deadlines,
            )
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sidestep-relay", description="A tiny relay for pages whose provider answers no browser."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    serving = commands.add_parser("serve", help="run the relay")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    serving.add_argument("--port", type=int, default=8787, help="port to listen on; 0 takes a free one")
    serving.add_argument("--workers", type=int, default=1, help="processes (gunicorn)")
    serving.add_argument("--site", type=Path, metavar="DIR", help="also serve the built page in DIR")
    serving.add_argument("--page", metavar="URL", help="the page to pair with")
    serving.add_argument("--open", action="store_true", help="open the page, paired, in the browser")
    serving.add_argument("--config", type=Path, metavar="FILE", help="TOML file with SIDESTEP_… settings")
    serving.add_argument("--tokens", type=Path, metavar="FILE", help="the file of named tokens (SIDESTEP_TOKENS)")
    serving.add_argument("--server", choices=sorted(SERVERS), default=choose_server(), help="what serves")
    add_token_commands(commands)
    add_sealing_commands(commands)
    return parser.parse_args(arguments)


def _make_app(
    config: RelayConfig, environment: Mapping[str, str], guard: ReplayGuard | None, spawn: Spawn, drain: Drain
) -> Flask:
    # Here and not above: see `servers`.
    from sidestep_relay.app import create_app  # noqa: PLC0415

    return create_app(config, environment=environment, spawn=spawn, drain=drain, replay_guard=guard)


def _announce(config: RelayConfig, url: str, *, page: str | None, should_open: bool) -> None:
    """Say, once requests are accepted, where the relay is and how a page is paired with it."""
    sys.stdout.write(f"Listening on {url}\n")
    if config.sealing:
        sys.stdout.write(f"Pages seal to the key with the fingerprint {config.sealing.current.fingerprint}\n")
    else:
        sys.stdout.write("Nothing can be sealed: no key can be kept; set SIDESTEP_SEALING_KEY.\n")
    if not page and config.site:
        page = f"{url}/"
    if page and config.token:
        sealing_key = config.sealing.current.public if config.sealing else b""
        link = make_pairing_link(page, url, config.token, config.name, sealing_key=sealing_key)
        sys.stdout.write(f"Open this link to pair the page with this relay (it holds the token):\n{link}\n")
        if should_open:
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


def _write_url(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in _EVERYWHERE else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _explain_bind(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port: port {port} is taken by another program; try --port {port + 1}."
    return f"--host: cannot listen on {host}:{port} ({error.strerror})."


def _fail(message: str) -> int:
    sys.stderr.write(f"sidestep-relay: {message}\n")
    return 1
