"""How the commands speak: numbered steps with their time, also where several run at once."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

FILE_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, which has no width of its own."""

console = Console(
    highlight=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else FILE_WIDTH,
)


def clock(seconds: float) -> str:
    """`7 s`, or `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def make(target: str, env: str) -> str:
    """The command for an environment, as it is typed: it must not meet another one."""
    return f"make {target}" if env == "local" else f"make {target} ENV={env}"


def detail(line: str) -> None:
    """Print a line of what a step does, set in and dim; empty ones are left out."""
    if line.strip():
        console.print(f"      {line.rstrip()}", style="dim", markup=False)


class Steps:
    """Announces each step and says how long it took; every `quiet_s` seconds, that it goes on."""

    def __init__(self, total: int, quiet_s: float = 30) -> None:
        self._total, self._quiet_s = total, quiet_s
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Run the body as the next step; a failure is marked and passed on."""
        with self._lock:
            self._count += 1
            mark = f"[{self._count}/{self._total}]"
        started = time.monotonic()
        console.print(f"{mark} {title} …", markup=False)
        done = threading.Event()
        threading.Thread(target=self._remind, args=(done, f"{mark} {title}", started), daemon=True).start()
        try:
            yield
        except BaseException:
            console.print(
                f"{mark} {title}: failed after {clock(time.monotonic() - started)}", style="red", markup=False
            )
            raise
        finally:
            done.set()
        console.print(f"{mark} {title}: {clock(time.monotonic() - started)}", style="green", markup=False)

    def _remind(self, done: threading.Event, title: str, started: float) -> None:
        while not done.wait(self._quiet_s):
            console.print(
                f"{title}: still at it, {clock(time.monotonic() - started)}", style="dim", markup=False
            )
