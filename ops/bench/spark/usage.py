"""Cores that a cluster used, and those that everybody else on the machine left it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import psutil

CGROUPS = Path("/sys/fs/cgroup")
EVERY_S = 1.0

Interval = tuple[float, float]
"""From, to; in seconds of the clock."""


class Sample(NamedTuple):
    """A look at the machine: the clock, and CPU-seconds used so far by all and by the cluster."""

    at: float
    machine_s: float
    cluster_s: float


def machine_cpu_s() -> float:
    """CPU-seconds that were used on this machine, or taken from it, since it started."""
    times = psutil.cpu_times()
    # A guest's time is part of its host's
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def container_cpu_s(init_pid: int) -> float:
    """CPU-seconds that a container has used, by its first process: those of what has ended in it, too.

    Raises RuntimeError where the control group says nothing.
    """
    groups = [line.split(":", 2) for line in Path(f"/proc/{init_pid}/cgroup").read_text().splitlines()]
    for _, controllers, place in groups:
        folder = place.strip("/").removesuffix("/init.scope")
        if "cpuacct" in controllers.split(","):
            return int((CGROUPS / "cpuacct" / folder / "cpuacct.usage").read_text()) / 1e9
    for _, controllers, place in groups:
        stat = CGROUPS / place.strip("/").removesuffix("/init.scope") / "cpu.stat"
        if not controllers and stat.exists():
            return int(dict(line.split() for line in stat.read_text().splitlines())["usage_usec"]) / 1e6
    raise RuntimeError(f"the control group of process {init_pid} does not tell what it used")


class Usage:
    """Looks at the machine every second, in a thread, from `with` to its end."""

    def __init__(self, init_pids: Sequence[int], clock: Callable[[], float] = time.time) -> None:
        self._pids, self._clock = init_pids, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self.samples.append(self.look())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.samples.append(self.look())

    def look(self) -> Sample:
        """How it is now."""
        used = sum(container_cpu_s(pid) for pid in self._pids)
        return Sample(self._clock(), machine_cpu_s(), used)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.samples.append(self.look())


def cluster_cpu_s(samples: Sequence[Sample]) -> float:
    """CPU-seconds of the cluster between the first look and the last."""
    return samples[-1].cluster_s - samples[0].cluster_s


def others_cores(samples: Sequence[Sample]) -> float:
    """Cores that everybody else used, on average."""
    first, last = samples[0], samples[-1]
    others_s = (last.machine_s - first.machine_s) - (last.cluster_s - first.cluster_s)
    return max(0.0, others_s / (last.at - first.at))


def core_seconds(
    samples: Sequence[Sample], during: Iterable[Interval], slots: int, cores: int, shared: bool = True
) -> float:
    """Core-seconds that there were to work with, during some intervals that do not overlap.

    `sum over t of min(slots, cores - others(t)) dt`, where `others(t)` is what processes outside of the
    cluster used; 0 where not `shared`: then it is `min(slots, cores)` times the length of the intervals. On a
    machine of one's own the two are the same. On a shared one the first is kinder than the truth where a
    process waits: what it leaves, others take.
    """
    inside = list(during)
    if not shared:
        return min(slots, cores) * sum(end - start for start, end in inside)
    total = 0.0
    for before, after in pairwise(samples):
        length = after.at - before.at
        overlap = sum(max(0.0, min(after.at, end) - max(before.at, start)) for start, end in inside)
        if length > 0 and overlap > 0:
            total += overlap * min(slots, max(0.0, cores - others_cores([before, after])))
    return total


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as intervals that do not overlap, in their order."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def length_s(intervals: Iterable[Interval]) -> float:
    """How long intervals are together."""
    return sum(end - start for start, end in intervals)
