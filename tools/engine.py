"""Docker: whether it runs, and its start on a machine where nobody else starts it."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Literal

from tools.debian import SYSTEM_PATH, become_root
from tools.layout import Layout
from tools.shell import StepError, output

State = Literal["running", "stopped", "remote", "denied"]

PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}
"""Left behind by a kill. Once another process has such a number, dockerd believes that it runs already."""

START_S = 60
"""How long dockerd may take to answer; 2 s are usual, more after a crash."""

PROBE_IMAGE = "hello-world"
"""A small public image: where it can be pulled, so can the official node image."""


def state() -> State:
    """What is up with the Docker that this user's commands talk to."""
    if output(["docker", "version", "--format", "{{.Server.Version}}"]) is not None:
        return "running"
    if os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT"):
        return "remote"
    socket = Path("/var/run/docker.sock")
    if socket.exists() and not os.access(socket, os.W_OK):
        return "denied"
    return "stopped"


def remove_stale(pid_files: dict[Path, str], proc: Path = Path("/proc")) -> list[Path]:
    """Remove process-number files whose process is gone or another program by now. Answers which."""
    removed = []
    for file, program in pid_files.items():
        if not file.exists():
            continue
        if not _runs(proc / file.read_text().strip(), program):
            file.unlink()
            removed.append(file)
    return removed


def _runs(process: Path, program: str) -> bool:
    """Whether it is that program and alive: one that was killed keeps its number until its parent looks."""
    name, command = process / "comm", process / "cmdline"
    if not name.exists() or name.read_text().strip() != program:
        return False
    return not command.exists() or bool(command.read_text())


def start(layout: Layout) -> str:
    """Start Docker the way this machine starts services, and wait for it. Answers how it was started.

    Raises:
        StepError: it may not be started by this user, or did not answer; says what to do.
    """
    found = state()
    if found == "running":
        return "ran already"
    if found == "remote":
        raise StepError(
            "DOCKER_HOST or DOCKER_CONTEXT names a Docker that does not answer: start it, or unset them"
        )
    if found == "denied":
        raise StepError(
            "This user may not talk to Docker: `sudo usermod -aG docker $USER`, then log in again"
        )
    daemon = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")
    if not daemon:
        raise StepError(
            "Docker does not run, and there is no dockerd here to start: start Docker (Desktop) first"
        )
    log = layout.logs / "dockerd.log"
    if Path("/run/systemd/system").exists():
        how = [*become_root(), "systemctl", "start", "docker"]
        if output(how, START_S) is None:
            raise StepError(f"`{' '.join(how)}` failed: see `journalctl -u docker`")
    else:
        _spawn(daemon, log)
        how = [daemon, f"in the background (no systemd here); log: {log}"]
    _wait(log)
    return f"started: {' '.join(how)}"


def _spawn(daemon: str, log: Path) -> None:
    """Start dockerd in a session of its own, so that it outlives this program and its terminal."""
    if os.geteuid() != 0:
        raise StepError(f"Docker does not run and only root can start it here: `sudo {daemon} &`")
    remove_stale(PID_FILES)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        subprocess.Popen(  # it is meant to stay
            [daemon], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait(log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if state() == "running":
            return
        time.sleep(0.3)
    said = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-8:]) if log.exists() else ""
    raise StepError(f"Docker did not answer within {START_S} s of its start. It said last:\n{said}")


def can_pull() -> bool:
    """Whether images can be pulled from the public registry. Leaves none behind that was not there."""
    had = output(["docker", "image", "inspect", PROBE_IMAGE]) is not None
    if output(["docker", "pull", "--quiet", PROBE_IMAGE], timeout_s=30) is None:
        return False
    if not had:
        output(["docker", "image", "rm", PROBE_IMAGE])
    return True
