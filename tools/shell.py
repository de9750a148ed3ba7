"""Runs programs whose output goes to a log, and says what they said last when they fail."""

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

RUNNING: "set[subprocess.Popen[str]]" = set()
"""What `run` started and has not seen end."""

ENDING = threading.Event()
"""Set when all is to end: nothing more is started."""


class StepError(Exception):
    """A step that failed: what, and what to do about it. Its text is all that the user is shown."""


class RefusedError(StepError):
    """A package registry does not have something, or does not give it out: asking again is no use."""


REFUSED = re.compile(r"(?:: 403 Forbidden|: 404 Not Found|: 410 Gone)$")
"""How Go words such an answer. It comes in the middle of a line that names the module."""


def run(
    command: Sequence[str | Path],
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a program to its end. `on_line` sees each line as it comes; the log gets all of them.

    Raises:
        StepError: it failed; with the last lines that it wrote and the log's path.
    """
    if ENDING.is_set():
        raise StepError(f"`{command[0]}` was not started: another step failed or the run was cut off")
    log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=15)
    words = [str(word) for word in command]
    with (
        log.open("a") as file,
        subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        file.write(f"$ {' '.join(words)}\n")
        RUNNING.add(process)
        for line in process.stdout or ():
            file.write(line)
            tail.append(line.rstrip())
            if on_line:
                on_line(line.rstrip())
    RUNNING.discard(process)
    if process.returncode:
        said = "\n".join(f"    {line}" for line in tail)
        what = f"`{' '.join(words)[:160]}` failed ({process.returncode})"
        kind = RefusedError if any(map(REFUSED.search, tail)) else StepError
        raise kind(f"{what}. It said last:\n{said}\n    All of it: {log}")


def end_running() -> None:
    """End the programs that run now: the next `make tools` goes on from where they were."""
    ENDING.set()
    for process in list(RUNNING):
        if process.poll() is None:
            process.terminate()


def output(
    command: Sequence[str | Path], timeout_s: float = 20, env: Mapping[str, str] | None = None
) -> str | None:
    """What a program printed, both streams; None where it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode == 0 else None


def base_python() -> str:
    """The interpreter that this one's environment, if it is one, was made from: .venv has no pip."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    for name in (f"python3.{sys.version_info.minor}", "python3"):
        path = Path(sys.base_prefix) / "bin" / name
        if path.exists():
            return str(path)
    return sys.executable
