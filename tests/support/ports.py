"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

SERVERS = range(20_000, 30_000)
"""Below those from which the system takes the ports of connections that go out (32768 on Linux): such a one
could be taken between its choice and the server's start.
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, on any of this machine's addresses."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.SystemRandom().sample(SERVERS, len(SERVERS)):
            server = held.enter_context(socket.socket())
            try:
                server.bind(("0.0.0.0", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise RuntimeError(f"none of the ports {SERVERS.start} to {SERVERS.stop} is free: what listens at them?")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
