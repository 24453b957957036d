"""What is done to a connection from beside the thread that uses it."""

from __future__ import annotations

import socket
import ssl

__all__ = ["is_gone", "shut"]

_ESTABLISHED = 1  # the first byte of Linux's `struct tcp_info`


def shut(connection: socket.socket, how: int) -> None:
    """Shut *connection* down, from any thread; whoever waits at it wakes. Nothing happens if it is closed already.

    Not its own `shutdown`: that of TLS takes the state away under the thread that reads.
    """
    try:
        with socket.fromfd(connection.fileno(), connection.family, connection.type) as twin:
            twin.shutdown(how)
    except OSError:
        # The other side was faster.
        return


def is_gone(connection: socket.socket) -> bool:
    """Say whether the peer of *connection* has closed it, without reading from it and without waiting."""
    if hasattr(socket, "TCP_INFO"):
        try:
            # Unlike a look at what comes next this also sees an end behind bytes that nobody has read, and under TLS.
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED
        except OSError:
            pass  # closed, or not of TCP
    return not isinstance(connection, ssl.SSLSocket) and _is_at_end(connection)


def _is_at_end(connection: socket.socket) -> bool:
    timeout = connection.gettimeout()
    try:
        # Not MSG_DONTWAIT: gevent's sockets wait all the same, unless their timeout is 0.
        connection.settimeout(0)
        is_at_end = connection.recv(1, socket.MSG_PEEK) == b""
        connection.settimeout(timeout)
    except BlockingIOError:
        connection.settimeout(timeout)
        return False
    except OSError:
        return True
    return is_at_end
