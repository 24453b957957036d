"""Ports of this computer."""

import socket

from tools.failures import BuildError

LOOPBACK = "127.0.0.1"


def check_port(port: int) -> None:
    """See to it that a server can listen on *port* of this computer.

    Raises:
        BuildError: Something else listens there, or the system does not allow it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that a server just left behind do not keep the next one from starting.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except PermissionError as error:
            raise BuildError(
                f"Port {port} is not allowed for you: choose one above 1023, for example "
                "`python3 build.py serve --port 8788`."
            ) from error
        except OSError as error:
            raise BuildError(
                f"Port {port} is taken by another program: stop that one or choose another port, for example "
                f"`python3 build.py serve --port {port + 1 if port < 65535 else 8788}`."  # noqa: PLR2004
            ) from error


def find_free_port() -> int:
    """Return a port of this computer that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
