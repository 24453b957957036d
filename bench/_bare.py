"""The floor: Flask that passes bytes on and does nothing else, on the relay's own server settings.

`python -m bench._bare PROVIDER WORKERS` prints its port; PROVIDER is the base URL of the provider.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sidestep_relay.deadlines import Deadlines, Drain
from sidestep_relay.loading import Spawn
from sidestep_relay.servers import SERVERS, bind, choose_server

if TYPE_CHECKING:
    from flask import Flask


def make_app(provider: str) -> Flask:
    """Return the application."""
    import httpx  # noqa: PLC0415 - in the worker, behind gevent
    from flask import Flask, Response, request  # noqa: PLC0415 - as above

    app = Flask(__name__)
    # As many connections as the relay has: as many as it takes.
    client = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None))

    @app.post("/v1/chat/completions")
    def post_chat() -> Response:
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        asked = client.build_request("POST", f"{provider}/chat/completions", content=request.data, headers=headers)
        answer = client.send(asked, stream=True)
        if "content-length" in answer.headers:
            return Response(answer.read(), answer.status_code, content_type=answer.headers["content-type"])
        return Response(answer.iter_raw(), answer.status_code, content_type=answer.headers["content-type"])

    return app


def main() -> None:
    """Serve until stopped."""

    def make(_: Spawn, __: Drain) -> Flask:
        return make_app(sys.argv[1])

    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]

    def announce() -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    SERVERS[choose_server()](make, listener, int(sys.argv[2]), announce, deadlines=Deadlines())


if __name__ == "__main__":
    main()
