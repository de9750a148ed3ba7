"""What a transcription of any size takes on any node pool, from what one was seen to take.

    pods:   t = frame + (batches * stages * start + work) / min(cores, batches)
    Spark:  t = frame + start + work / (cores * efficiency)

with `frame` the tasks before and after, the same for both, and `work` the audio's seconds times the
core-seconds that one of them takes where every core has a process. Pods are taken to be as good as that once
they work. Spark's efficiency is taken to hold for any number of cores, though measured for a few: what is
shared (object store, network, driver) must keep up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

HOUR_S = 3600.0
MOST_CALLS = 20_000
"""Up to which number of calls it is looked whether Spark pays."""


@dataclass(frozen=True)
class Rates:
    """What was measured. Efficiency 1 is as good as processes that nobody starts or tells what to do."""

    core_s_per_audio_s: float
    """Where every core has a process: they may share what a core is made of."""
    call_s: float
    """Mean length of a call."""
    frame_s: float
    """The plan before and the report after."""
    spark_start_s: float
    """Of a run on Spark, what is neither work nor frame: driver and executors, models, the driver's end."""
    spark_efficiency: float
    pod_start_s: float
    """Of a stage's pod, what is not work: queue, worker, pod and its end."""
    stages: int = 6
    batch_calls: int = 8

    def spark_s(self, audio_s: float, cores: int) -> float:
        """Seconds that a run on Spark takes."""
        return self.frame_s + self.spark_start_s + self._work_s(audio_s) / (cores * self.spark_efficiency)

    def pods_s(self, audio_s: float, cores: int) -> float:
        """Seconds that a run in mapped pods takes, a core each. A batch's stages follow one another."""
        batches = max(1, math.ceil(audio_s / self.call_s / self.batch_calls))
        pods = batches * self.stages
        return self.frame_s + (pods * self.pod_start_s + self._work_s(audio_s)) / min(cores, batches)

    def _work_s(self, audio_s: float) -> float:
        return audio_s * self.core_s_per_audio_s


def pays_from_s(rates: Rates, cores: int) -> float | None:
    """Seconds of audio from which on a run is faster on Spark than in mapped pods, on as many cores.

    A whole number of calls, after the last one for which pods are as fast; None where they still are for
    `MOST_CALLS`.
    """

    def pods_win(calls: int) -> bool:
        audio_s = calls * rates.call_s
        return rates.pods_s(audio_s, cores) <= rates.spark_s(audio_s, cores)

    last = max((calls for calls in range(1, MOST_CALLS + 1) if pods_win(calls)), default=0)
    return None if last == MOST_CALLS else (last + 1) * rates.call_s


@dataclass(frozen=True)
class NodePool:
    """Nodes of one kind. Prices are those of a vCPU and of a GiB, for an hour."""

    cores: int
    memory_gib: float
    vcpu_hour: float
    gib_hour: float

    @property
    def node_hour(self) -> float:
        """What a node costs an hour, used or not."""
        return self.cores * self.vcpu_hour + self.memory_gib * self.gib_hour

    def executors(self, executor_gib: float) -> int:
        """Executors of one core that a node has room for."""
        return min(self.cores, math.floor(self.memory_gib / executor_gib))


class Need(NamedTuple):
    """What a number of nodes takes for a transcription."""

    nodes: int
    executors: int
    hours: float
    cost: float


def needs(
    rates: Rates, pool: NodePool, audio_hours: float, nodes: Sequence[int], executor_gib: float
) -> list[Need]:
    """What a Spark run over so much audio needs, by the number of nodes; they are paid while it runs.

    Raises ValueError where not one executor fits on a node.
    """
    each = pool.executors(executor_gib)
    if not each:
        raise ValueError(f"memory_gib={pool.memory_gib} has no room for an executor of {executor_gib} GiB")
    found = []
    for count in nodes:
        hours = rates.spark_s(audio_hours * HOUR_S, count * each) / HOUR_S
        found.append(Need(count, count * each, hours, hours * count * pool.node_hour))
    return found
