"""What the pods of a local cluster use of its processors, those that are gone included."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.bench import rest

AT_REST_S = 30.0


@dataclass(frozen=True)
class Reading:
    """Counters at a moment; `at` is of a clock that only goes on."""

    at: float
    pods_s: float
    """Of the processor, used by all pods so far."""
    machine_s: float
    """The same of all that this machine did."""


@dataclass(frozen=True)
class Used:
    """What happened between two readings, in seconds of one core and as a mean number of cores."""

    pods_s: float
    """Beyond what the pods use at rest."""
    others_cores: float
    """What was not the cluster's pods kept so many cores busy."""


@dataclass(frozen=True)
class Meter:
    """Of a cluster's node: its control group of all pods, and how many cores that uses at rest."""

    group: Path
    rest_cores: float

    @classmethod
    def at_rest(cls, env: str, watch_s: float = AT_REST_S) -> Meter:
        """Look at a cluster for a while that has nothing to do."""
        group = pods_group(Path(f"/proc/{rest.init_pids(env)[0]}/root/sys/fs/cgroup"))
        before = read(group)
        time.sleep(watch_s)
        after = read(group)
        return cls(group, (after.pods_s - before.pods_s) / (after.at - before.at))

    def read(self) -> Reading:
        """The counters now."""
        return read(self.group)

    def since(self, before: Reading) -> Used:
        """What was used from then to now."""
        return used(before, self.read(), self.rest_cores)


def used(before: Reading, after: Reading, rest_cores: float) -> Used:
    """The difference of two readings."""
    took_s = after.at - before.at
    pods_s = after.pods_s - before.pods_s
    others_s = after.machine_s - before.machine_s - pods_s
    return Used(pods_s - rest_cores * took_s, max(0.0, others_s) / took_s)


def read(group: Path) -> Reading:
    """The counters now. A control group keeps what groups below it used that are gone."""
    times = psutil.cpu_times()
    return Reading(time.monotonic(), cpu_s(group), sum(times) - times.idle - times.iowait - times.guest)


def pods_group(root: Path) -> Path:
    """The kubelet's control group of all pods, below the root of a node's. Version 1 has a tree
    of its own for processor time.

    Raises:
        FileNotFoundError: there is none.
    """
    for tree in (root / "cpuacct", root):
        for pattern in ("kubelet*/*kubepods*", "*kubepods*"):
            for found in sorted(tree.glob(pattern)):
                if (found / "cpuacct.usage").exists() or (found / "cpu.stat").exists():
                    return found
    raise FileNotFoundError(f"{root} has no control group of pods; is the cluster up?")


def cpu_s(group: Path) -> float:
    """Processor time that a control group has used, in seconds."""
    if (group / "cpuacct.usage").exists():
        return int((group / "cpuacct.usage").read_text()) / 1e9
    stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(stat["usage_usec"]) / 1e6
