"""The WSGI application for hosts that run one: PythonAnywhere, Passenger, mod_wsgi, uWSGI, gunicorn.

    gunicorn --worker-class gevent sidestep_relay.wsgi:application

Such a host imports a module and takes an object of it, so this one module has an object that is ready; the settings
come from the environment. The application itself is made with a process's first request: hosts fork after the import,
and no thread lives through a fork. The host must let its processes have threads (uWSGI: `--enable-threads`).
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sidestep_relay.config import SettingError, load_config
from sidestep_relay.errors import RelayError
from sidestep_relay.loading import choose_spawn
from sidestep_relay.telemetry import Log, make_log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["LazyApplication", "application"]


class LazyApplication:
    """Makes the relay's application when the first request of a process comes.

    A setting that cannot work is named in the log, and every request is answered 503 until it does work; visitors are
    not told which it is.
    """

    def __init__(self, environment: Mapping[str, str], make_log: Callable[[], Log] = make_log) -> None:
        self._environment = environment
        self._make_log = make_log
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None
        self._owner = 0
        self._told = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        try:
            app = self._find()
        except SettingError as error:
            self._tell(str(error))
            return _refuse(start_response)
        return app(environ, start_response)

    def _find(self) -> WSGIApplication:
        if self._app is not None and self._owner == os.getpid():
            return self._app
        with self._lock:
            if self._app is None or self._owner != os.getpid():
                # Here and not above: gevent replaces the sockets after a host may have imported this module.
                from sidestep_relay.app import create_app  # noqa: PLC0415

                file = self._environment.get("SIDESTEP_CONFIG")
                config = load_config(self._environment, file=Path(file) if file else None)
                self._app = create_app(
                    config, environment=self._environment, log=self._make_log(), spawn=choose_spawn()
                )
                self._owner = os.getpid()
            return self._app

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            self._make_log().error("setting_broken", detail=sentence)


def _refuse(start_response: StartResponse) -> Iterable[bytes]:
    error = RelayError(
        "relay_misconfigured",
        "This relay cannot serve: one of its settings is wrong. Its log names it.",
        status=503,
        type="server_error",
    )
    body = json.dumps(error.to_dict(secrets.token_hex(8))).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response("503 Service Unavailable", headers)
    return [body]


application = LazyApplication(os.environ)
"""What a host takes."""
