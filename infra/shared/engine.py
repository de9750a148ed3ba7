"""Container engines: how each is called, so that the rest says what it wants and not to whom."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from infra.shared.command import CommandError, run
from infra.shared.killed import runs

Engine = Literal["docker", "podman"]
CONTAINERS_CONF = Path(__file__).with_name("containers.conf")
ENGINE_ENV = {"CONTAINERS_CONF": os.environ.get("CONTAINERS_CONF", str(CONTAINERS_CONF))}
"""Added to the environment of every call of podman, and of what calls it (kind)."""

PROC = Path("/proc")
PODMAN_EXITS = Path("/run/libpod/exits")
"""Where a container's monitor (conmon) leaves the status that it ended with, in a file of its id."""
KILLED = 128 + signal.SIGKILL


def call(
    engine: Engine, *words: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 120
) -> str:
    """Run an engine's command; gives what it wrote. `env` is added to ours. Raises CommandError."""
    return run([engine, *words], env={**ENGINE_ENV, **(env or {})}, timeout_s=timeout_s)


def inspect(engine: Engine, kind: str, name: str) -> dict[str, Any] | None:
    """What the engine knows about a container, network or image; None where there is none of that name."""
    try:
        found = json.loads(call(engine, kind, "inspect", name, timeout_s=30))
    except CommandError:
        return None
    first: dict[str, Any] = found[0]
    return first


def is_running(engine: Engine, name: str) -> bool:
    """Whether a container of that name runs. Changes nothing."""
    found = inspect(engine, "container", name)
    return found is not None and bool(found["State"]["Running"]) and not _is_orphan(engine, found)


def started_at(engine: Engine, name: str) -> datetime:
    """When a container was last started. Raises LookupError where the engine does not say."""
    found = inspect(engine, "container", name)
    if found is None:
        raise LookupError(f"{engine} tells nothing of container {name}")
    return datetime.fromisoformat(found["State"]["StartedAt"])


def settle(engine: Engine, name: str, exits: Path = PODMAN_EXITS) -> None:
    """Let podman know that a container has ended, where it can't: then it can be started or removed."""
    found = inspect(engine, "container", name)
    if found is None or found["State"]["Status"] not in {"running", "stopping"}:
        return
    if not _is_orphan(engine, found):
        return
    pid, container = int(found["State"]["Pid"]), str(found["Id"])
    with suppress(OSError):
        if container in (PROC / str(pid) / "cgroup").read_text():
            os.kill(pid, signal.SIGKILL)
    exits.mkdir(parents=True, exist_ok=True)
    (exits / container).write_text(str(KILLED))
    # As the monitor would have: else the next start finds the network as it was, with old pods' routes
    call(engine, "container", "cleanup", name)


def _is_orphan(engine: Engine, found: Mapping[str, Any]) -> bool:
    """Whether a container's monitor is gone: podman hears of a container's end from nobody else.

    That happens where everything is killed at once; podman then calls the container running for ever.
    """
    return engine == "podman" and not runs(int(found["State"]["ConmonPid"]), "conmon")


def containers_with_label(engine: Engine, label: str) -> list[str]:
    """Names of all containers with a label, running or not. Raises CommandError."""
    return call(engine, "ps", "--all", f"--filter=label={label}", "--format={{.Names}}").split()


def remove_containers(engine: Engine, names: Sequence[str]) -> None:
    """Remove containers and their anonymous volumes, running or not; those that are gone are no error."""
    for name in names:
        if inspect(engine, "container", name) is not None:
            settle(engine, name)
            call(engine, "rm", "--force", "--volumes", name)
