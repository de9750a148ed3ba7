"""What the platform costs when nobody uses it."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil

from infra.cluster.engine import choose_engine
from infra.cluster.settings import load
from infra.shared.engine import inspect
from infra.shared.paths import Paths
from ops.bench.measure import Figure

MIB = 1024 * 1024
CONTAINERS = ("control-plane", "registry", "s3")


def init_pids(env: str) -> list[int]:
    """The first process of each container of a local environment, in this machine's numbers."""
    engine = choose_engine(Paths.of(env)).engine
    cluster = load(env).cluster_name
    found = [inspect(engine, "container", f"{cluster}-{part}") for part in CONTAINERS]
    return [int(container["State"]["Pid"]) for container in found if container]


def processes(init_pids: Iterable[int]) -> list[psutil.Process]:
    """Every process of the containers whose first processes are given."""
    found: list[psutil.Process] = []
    for pid in init_pids:
        first = psutil.Process(pid)
        found += [first, *first.children(recursive=True)]
    return found


def cpu_seconds(these: Iterable[psutil.Process]) -> dict[int, float]:
    """CPU seconds of each process that is still there."""
    used: dict[int, float] = {}
    for process in these:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # Children that have ended count for their parent: probes and the like are part of the cost
        used[process.pid] = times.user + times.system + times.children_user + times.children_system
    return used


def memory_mib(these: Iterable[psutil.Process]) -> float:
    """Proportional set size of all of them in MiB: pages that several share count once."""
    total = 0
    for process in these:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / MIB


def at_rest(init_pids: list[int], watch_s: float = 60) -> list[Figure]:
    """Memory now, and CPU over `watch_s` seconds, of cluster, platform, registry and object store."""
    before = cpu_seconds(processes(init_pids))
    started = time.monotonic()
    time.sleep(watch_s)
    now = processes(init_pids)
    after = cpu_seconds(now)
    elapsed = time.monotonic() - started
    used = sum(after[pid] - before.get(pid, 0.0) for pid in after)
    return [
        Figure("platform at rest, memory", memory_mib(now), "MiB", bound=4096),
        Figure("platform at rest, share of one core", 100 * used / elapsed, "%", bound=20),
    ]
