"""What the user sees: steps with their progress as they run, and at the end where the time went."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TextIO

Waits = Literal["network", "CPU", "both"]
"""What a step spends its time on."""

HEARTBEAT_S = {True: 1.0, False: 20.0}
"""How often running steps show where they are: a terminal's line is rewritten, a log's is one more."""


@dataclass
class Step:
    """A step that runs or has run; `detail` is what it says of itself meanwhile."""

    name: str
    waits: Waits
    number: int
    started_s: float
    ended_s: float | None = None
    detail: str = ""

    def seconds(self, now: float) -> float:
        """How long it has taken."""
        return (self.ended_s if self.ended_s is not None else now) - self.started_s


@dataclass
class Report:
    """Safe to use from several threads at once. `total` is the number of steps that the plan has."""

    total: int = 0
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    steps: list[Step] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def terminal(self) -> bool:
        """Whether a line can be rewritten."""
        return self.stream.isatty()

    def say(self, text: str = "") -> None:
        """Print a line, above the line that shows progress."""
        with self._lock:
            clear = "\r\033[K" if self.terminal else ""
            self.stream.write(f"{clear}{text}\n")
            self.stream.flush()

    @contextmanager
    def step(self, name: str, waits: Waits, number: bool = True) -> Iterator[Step]:
        """A step from here to the end of the block. Without `number` it is none of the plan's."""
        with self._lock:
            count = 1 + max((step.number for step in self.steps), default=0) if number else 0
            step = Step(name, waits, count, time.monotonic())
            self.steps.append(step)
        try:
            yield step
        except BaseException:
            step.ended_s = time.monotonic()
            self.say(f"{self._label(step)}  FAILED after {duration(step.seconds(step.ended_s))}")
            raise
        step.ended_s = time.monotonic()
        if number:
            self.say(f"{self._label(step)}  {duration(step.seconds(step.ended_s))}  {step.detail}".rstrip())

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Show where the running steps are, until the end of the block."""
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(HEARTBEAT_S[self.terminal]):
            with self._lock:
                now = time.monotonic()
                running = [step for step in self.steps if step.ended_s is None]
                texts = [
                    f"{step.name} {duration(step.seconds(now))} {step.detail}".strip() for step in running
                ]
                if texts and self.terminal:
                    self.stream.write(f"\r\033[K  … {' | '.join(texts)}"[:150])
                elif texts:
                    self.stream.write(f"  … {' | '.join(texts)}\n")
                self.stream.flush()

    def _label(self, step: Step) -> str:
        count = f"[{step.number:>2}/{self.total}]" if step.number else " " * 7
        return f"  {count} {step.name:<34}"

    def table(self) -> str:
        """Where the time went, the longest first; steps that ran side by side add up to more than all."""
        whole = time.monotonic() - self.began_s
        rows = sorted(self.steps, key=lambda step: -step.seconds(0 if step.ended_s is None else step.ended_s))
        lines = [f"  {'step':<38}{'began':>9}{'took':>9}   waits for"]
        for step in rows:
            began, took = step.started_s - self.began_s, step.seconds(time.monotonic())
            lines.append(f"  {step.name:<38}{began:>7.0f} s{took:>7.0f} s   {step.waits}")
        summed = sum(step.seconds(0) for step in self.steps if step.ended_s is not None)
        lines.append(f"  {'all':<38}{'':>9}{whole:>7.0f} s   ({summed:.0f} s one after the other)")
        return "\n".join(lines)


def duration(seconds: float) -> str:
    """`8 s`, `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"
