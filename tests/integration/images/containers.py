"""Containers as the platform runs them: no rights, a read-only root file system, /tmp in memory."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from docker.models.containers import Container
from docker.models.volumes import Volume

from ops.images.engine import Engine

HARDENED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": "mode=1777"},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "detach": True,
}


def until(condition: Callable[[], Any], timeout_s: float = 90, every_s: float = 0.1) -> Any:
    """Wait until the condition holds, and give what it answered; AssertionError after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {condition}"
        time.sleep(every_s)
    return answer


class Docker:
    """Starts containers and makes volumes and networks, and removes them all in the end."""

    def __init__(self) -> None:
        self._client = Engine().client
        self._containers: list[Container] = []
        self._volumes: list[Volume] = []
        self.network = self._client.networks.create(f"switchboard-test-{secrets.token_hex(4)}")

    def volume(self) -> str:
        """The name of a new, empty volume."""
        self._volumes.append(self._client.volumes.create(f"switchboard-test-{secrets.token_hex(4)}"))
        return str(self._volumes[-1].name)

    def start(self, image: str, *command: str, **options: Any) -> Container:
        """Start a container, hardened and in the test's network unless the options say otherwise."""
        merged = {**HARDENED, "network": self.network.name, **options}
        self._containers.append(self._client.containers.run(image, list(command), **merged))
        return self._containers[-1]

    def once(self, image: str, *command: str, **options: Any) -> tuple[int, str]:
        """Run a container to its end; gives its exit status and all that it wrote."""
        container = self.start(image, *command, **options)
        status = int(container.wait(timeout=60)["StatusCode"])
        return status, log_of(container)

    def clean_up(self) -> None:
        """Remove all that was made."""
        for container in self._containers:
            container.remove(force=True, v=True)
        for volume in self._volumes:
            volume.remove(force=True)
        self.network.remove()


@contextmanager
def docker() -> Iterator[Docker]:
    """A Docker to use in one test module."""
    session = Docker()
    try:
        yield session
    finally:
        session.clean_up()


def page(container: Container, port: int, path: str) -> str:
    """What a container's own server answers it, where that has Python."""
    read = f"import urllib.request as u; print(u.urlopen('http://localhost:{port}{path}').read().decode())"
    status, output = container.exec_run(["python", "-c", read])
    assert status == 0, output
    return cast(bytes, output).decode()


def address(container: Container, port: int) -> str:
    """Where the host reaches a published port, as host:port."""
    container.reload()
    published = container.ports[f"{port}/tcp"] or []
    return f"127.0.0.1:{published[0]['HostPort']}"


def log_of(container: Container) -> str:
    """All that a container wrote so far."""
    return bytes(container.logs()).decode()


def run_in(container: Container, *command: str, **environment: str) -> tuple[int, str]:
    """Run a command in a container; gives its exit status and all that it wrote."""
    done = container.exec_run(list(command), environment=environment)
    return int(done.exit_code or 0), cast("bytes", done.output).decode()
