"""Container engines: how each is called, so that the rest says what it wants and not to whom."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from infra.shared.command import CommandError, run

Engine = Literal["docker", "podman"]
CONTAINERS_CONF = Path(__file__).with_name("containers.conf")
ENGINE_ENV = {"CONTAINERS_CONF": os.environ.get("CONTAINERS_CONF", str(CONTAINERS_CONF))}
"""Added to the environment of every call of podman, and of what calls it (kind)."""


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


def containers_with_label(engine: Engine, label: str) -> list[str]:
    """Names of all containers with a label, running or not. Raises CommandError."""
    return call(engine, "ps", "--all", f"--filter=label={label}", "--format={{.Names}}").split()


def remove_containers(engine: Engine, names: Sequence[str]) -> None:
    """Remove containers and their anonymous volumes, running or not; those that are gone are no error."""
    for name in names:
        if inspect(engine, "container", name) is not None:
            call(engine, "rm", "--force", "--volumes", name)
