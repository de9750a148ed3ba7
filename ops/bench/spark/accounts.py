"""What the ways to transcribe took, as ratios against one process alone. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from infra.platform.spark_settings import Price, Prices
from ops.bench.measure import Figure
from ops.bench.spark.model import HOUR_S, Rates
from ops.bench.spark.usage import Interval, Sample, core_seconds, length_s, others_cores
from ops.bench.spark.ways import Way
from switchboard_spark import model
from switchboard_spark.records import Asked

EFFICIENCY = 0.85
"""The least that is aimed at."""
START = 1.25
"""Most that a run may take, over its time at work."""
COST = 1.5
"""Most that an audio hour may cost, over what one process alone costs that does nothing else."""


@dataclass(frozen=True)
class Floor:
    """Processes on a core of their own each, which nobody starts or tells what to do."""

    processes: int
    audio_s: float
    """Of all of them together."""
    work: list[Interval]
    samples: Sequence[Sample]
    cpu_s: float
    memory_mib: float

    def core_s(self, cores: int, shared: bool) -> float:
        """Core-seconds a second of audio, of the cores that they may use."""
        return core_seconds(self.samples, self.work, self.processes, cores, shared) / self.audio_s

    @property
    def used(self) -> Asked:
        """What they used of processors, and set aside of memory."""
        memory_mib_s = self.processes * self.memory_mib * length_s(self.work)
        return Asked(core_s=self.cpu_s, memory_mib_s=memory_mib_s)


@dataclass(frozen=True)
class Taken:
    """What a way took. `cpu_s`: CPU-seconds of the cluster above those at rest."""

    way: Way
    audio_s: float
    began: float
    ended: float
    work: list[Interval]
    samples: Sequence[Sample]
    cpu_s: float
    asked: Asked
    pods: int

    @property
    def total_s(self) -> float:
        """From the request for the run to its end."""
        return self.ended - self.began

    @property
    def work_s(self) -> float:
        """How long anything was at work: a stage on its batch, or Spark from its first executor on."""
        return length_s(self.work)

    @property
    def start_share(self) -> float:
        """`(total - work) / total`"""
        return (self.total_s - self.work_s) / self.total_s

    @property
    def others(self) -> float:
        """Cores that everybody else on the machine used meanwhile."""
        return others_cores(self.samples)

    def core_s(self, cores: int, shared: bool) -> float:
        """Core-seconds that there were at work, a second of audio (`usage.core_seconds`)."""
        return core_seconds(self.samples, self.work, self.way.slots, cores, shared) / self.audio_s

    @property
    def used(self) -> Asked:
        """What its pods and the cluster for them used of processors, and what they set aside of memory."""
        return Asked(core_s=self.cpu_s, memory_mib_s=self.asked.memory_mib_s)


def floor_core_s(floors: Sequence[Floor], cores: int, shared: bool) -> float:
    """Core-seconds that a second of audio takes one process alone; the mean of the times measured."""
    return statistics.fmean(floor.core_s(cores, shared) for floor in floors)


def efficiency(taken: Taken, floors: Sequence[Floor], cores: int, shared: bool) -> float:
    """`(audio / core-seconds there were) / (audio / core-seconds, of one process alone)`"""
    return floor_core_s(floors, cores, shared) / taken.core_s(cores, shared)


def cost_an_hour(asked: Asked, audio_s: float, price: Price) -> float:
    """What an hour of audio costs."""
    prices = model.Price(vcpu_hour=price.vcpu_hour, gib_hour=price.gib_hour)
    return asked.cost(prices) / audio_s * HOUR_S


def floor_cost(floors: Sequence[Floor], price: Price) -> float:
    """What an hour of audio costs in one process alone."""
    return statistics.fmean(cost_an_hour(floor.used, floor.audio_s, price) for floor in floors)


def rates_of(floors: Sequence[Floor], full: Floor, taken: Sequence[Taken], calls: int, cores: int) -> Rates:
    """What the model goes by.

    Pods in turn: the gaps between the work of one and of the next are the start of a pod. Spark: one executor
    is taken to be as fast as one process alone, so what it took longer was start. What is left with as many
    executors as cores, over what as many processes take, is its efficiency.

    Parameters
    ----------
    floors, full
        One process alone; as many as there are cores.
    """
    pods = next(each for each in taken if each.way.one_by_one)
    span_s = pods.work[-1][1] - pods.work[0][0]
    pod_start_s = (span_s - pods.work_s) / (len(pods.work) - 1)
    frame_s = pods.total_s - span_s - pod_start_s
    spark = {each.way.executors: each for each in taken if each.way.executors}
    one, many = spark[1], spark[min(spark, key=lambda count: abs(count - cores))]
    late_s = max(0.0, one.core_s(cores, shared=True) - floor_core_s(floors, cores, shared=True)) * one.audio_s
    work_core_s = many.core_s(cores, shared=True) * (1 - late_s / many.work_s)
    return Rates(
        core_s_per_audio_s=full.core_s(cores, shared=True),
        call_s=pods.audio_s / calls,
        frame_s=frame_s,
        spark_start_s=statistics.fmean(each.total_s - each.work_s for each in spark.values())
        - frame_s
        + late_s,
        spark_efficiency=full.core_s(cores, shared=True) / work_core_s,
        pod_start_s=pod_start_s,
    )


def figures(floors: Sequence[Floor], taken: Sequence[Taken], cores: int, prices: Prices) -> list[Figure]:
    """Core-seconds, start-up and cost of each way, over those of one process alone, in the same run."""
    found: list[Figure] = []
    for each in taken:
        for shared, what in ((False, "all cores"), (True, "cores left")):
            found.append(
                Figure(
                    f"{each.way.name}: core-s an audio hour, {what}",
                    each.core_s(cores, shared) * HOUR_S,
                    "s",
                    bound=round(1 / EFFICIENCY, 2),
                    floor=floor_core_s(floors, cores, shared) * HOUR_S,
                )
            )
        found.append(
            Figure(f"{each.way.name}: run ÷ work", each.total_s, "s", bound=START, floor=each.work_s)
        )
        # In thousandths of the currency, since an hour costs less than a hundredth
        cost = cost_an_hour(each.used, each.audio_s, prices.on_demand) * 1000
        floor, unit = floor_cost(floors, prices.on_demand) * 1000, f"m{prices.currency}"
        found.append(Figure(f"{each.way.name}: cost an audio hour", cost, unit, COST, floor))
    return found
