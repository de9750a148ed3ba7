"""Run other programs, and say clearly what failed."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A program failed. The message names the command, its status and the last lines that it wrote."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        self.command, self.status, self.output = list(command), status, output
        tail = "\n".join(f"  {line}" for line in output.strip().splitlines()[-15:])
        super().__init__(f"`{shlex.join(command)}` failed with status {status}:\n{tail or '  (no output)'}")


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout_s: float | None = None,
) -> str:
    """Run a program and give what it wrote to stdout; `env` is added to ours. Raises CommandError."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(words, 127, f"{words[0]} is not on PATH (`make tools` installs it)") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(words, 124, f"no end after {timeout_s} s") from error
    if done.returncode != 0:
        raise CommandError(words, done.returncode, done.stdout + done.stderr)
    return done.stdout
