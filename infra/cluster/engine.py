"""Which container engine runs kind here: found out once, remembered, and forced by SWITCHBOARD_KIND."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from infra.shared.command import CommandError
from infra.shared.engine import Engine, call
from infra.shared.paths import Paths

FORCE = "SWITCHBOARD_KIND"
PROBE_IMAGE = "busybox:stable"
PROBE_TIMEOUT_S = 15
Call = Callable[..., str]


class NoEngineError(RuntimeError):
    """No engine can run kind's nodes; the message says why and what to do."""


@dataclass(frozen=True)
class Choice:
    """The engine, and why."""

    engine: Engine
    reason: str

    def __str__(self) -> str:
        what = "kind's own node image" if self.engine == "docker" else "our own node image"
        return f"kind runs on {self.engine} with {what}: {self.reason}"


def choose_engine(paths: Paths) -> Choice:
    """The engine of this environment. What was found stays until the environment is removed, or is forced.

    Raises NoEngineError.
    """
    forced = os.environ.get(FORCE, "")
    if forced in ("docker", "podman"):
        return Choice("docker" if forced == "docker" else "podman", f"{FORCE} says so")
    if forced:
        raise NoEngineError(f"{FORCE}={forced}: no such engine; set it to docker or podman, or unset it")
    remembered = paths.engine
    if remembered.exists():
        engine, _, reason = remembered.read_text().strip().partition(" ")
        if engine in ("docker", "podman"):
            return Choice("docker" if engine == "docker" else "podman", reason)
    choice = probe()
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(f"{choice.engine} {choice.reason}\n")
    return choice


def probe(ask: Call = call, which: Callable[[str], str | None] = shutil.which) -> Choice:
    """Try Docker first, a few seconds at most; else podman. Raises NoEngineError."""
    against = _against_docker(ask, which)
    if against is None:
        return Choice("docker", "Docker pulls images and runs privileged containers")
    if which("podman") is None:
        raise NoEngineError(f"{against}, and podman is not installed; `make tools` installs it")
    return Choice("podman", against)


def _against_docker(ask: Call, which: Callable[[str], str | None]) -> str | None:
    """Why Docker can't run kind's nodes here, or None where it can."""
    if which("docker") is None:
        return "Docker is not installed"
    try:
        ask("docker", "info", timeout_s=5)
    except CommandError:
        return "Docker does not run"
    try:
        ask("docker", "pull", "--quiet", PROBE_IMAGE, timeout_s=PROBE_TIMEOUT_S)
    except CommandError:
        return "Docker can pull no images here"
    try:
        ask("docker", "run", "--rm", "--privileged", PROBE_IMAGE, "true", timeout_s=PROBE_TIMEOUT_S)
    except CommandError:
        return "Docker may not run privileged containers here"
    return None
