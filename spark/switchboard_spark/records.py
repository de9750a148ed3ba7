"""What is kept of each run of a Spark task: what it asked for, what it took, what it got done, at what cost.

A driver writes one (`recorder`), or who follows it where it was killed (`killed`); `make spark-advice` reads
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard_spark.conf import heap_mib
from switchboard_spark.model import Price, Prices, Recording, SparkSize, SparkTask, Success, Verdict

HOUR_S = 3600
GIB_MIB = 1024
REASON = 300
"""Most characters of a reason that are kept."""

Outcome = Literal["success", "application", "infrastructure", "usage"]


class _Model(BaseModel):
    # A later version may have written more
    model_config = ConfigDict(frozen=True, extra="ignore")


class ExecutorLife(_Model):
    """When there was an executor, in seconds from the driver's start."""

    id: str
    registered_s: float
    removed_s: float | None = None
    """None: it was there to the end."""


class Asked(_Model):
    """Requests of CPU and memory over time: what a cluster sets aside, used or not."""

    core_s: float = 0.0
    memory_mib_s: float = 0.0

    def cost(self, price: Price) -> float:
        """In the price's currency."""
        gib_s = self.memory_mib_s / GIB_MIB
        return (self.core_s * price.vcpu_hour + gib_s * price.gib_hour) / HOUR_S


class Peak(_Model):
    """Most memory of a driver or an executor, in MiB."""

    resident_mib: float
    """Of all its processes. Mapped files are in it, which the kernel takes back before it ends anybody."""
    java_mib: float = 0.0
    """Java's part of that."""
    heap_mib: float = 0.0
    """Used, of Java's heap; what waits to be collected is in it."""
    off_heap_mib: float = 0.0
    """Java's own, beside the heap: classes, compiled code, network buffers."""
    python_mib: float = 0.0
    """Python's part of the resident memory."""

    def kept_mib(self, heap_limit_mib: float) -> float:
        """What the kernel cannot take back, given the most that the heap can be: that counts against a
        container's limit. Java's archive of classes alone is some 200 MiB of mapped file.
        """
        java = min(self.java_mib, heap_limit_mib + self.off_heap_mib)
        return java + self.resident_mib - self.java_mib


class Work(_Model):
    """Sums over the stages that Spark remembers, which are the last 1,000 (`spark.ui.retainedStages`)."""

    stages: int = 0
    tasks: int = 0
    failed_tasks: int = 0
    task_s: float = 0.0
    cpu_s: float = 0.0
    """Java's share of it; what Python workers use is not in it."""
    gc_s: float = 0.0
    input_bytes: int = 0
    output_bytes: int = 0
    shuffle_read_bytes: int = 0
    shuffle_write_bytes: int = 0
    spill_memory_bytes: int = 0
    """What was spilled, as it was in memory."""
    spill_disk_bytes: int = 0
    """The same, as it was written."""


class Observed(_Model):
    """What Spark and the system tell of a run. Times are those of the clock, in seconds."""

    executors: list[tuple[str, float, float | None]] = []
    """Id, registered, removed."""
    executor_peak: Peak | None = None
    """Of the executor that had most; None where none lived to its first heartbeat, which is 10 to 20 s."""
    driver_peak: Peak | None = None
    work: Work | None = None
    """None: there was no session, or the application had stopped it."""


class RunRecord(_Model):
    """One try of one Spark task."""

    version: Literal[1] = 1
    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    try_number: int
    application: str
    size_name: str
    size: SparkSize
    image: str
    started: datetime
    ended: datetime
    duration_s: float = Field(ge=0)
    """From the driver's start to its end. That of its pod (node, image) comes before."""
    session_s: float | None
    """Until there was a session; None: there was none."""
    first_executor_s: float | None
    executors: list[ExecutorLife]
    driver_asked: Asked
    executors_asked: Asked
    executor_peak: Peak | None
    driver_peak: Peak | None
    work: Work | None
    """None: Spark could not be asked, so that executors are not known either."""
    counted: dict[str, float]
    """Units of `units.count`."""
    prices: Prices
    cost: float
    outcome: Outcome
    exit_code: int | None
    """None: nobody saw how it ended."""
    reason: str
    """Empty for a success."""

    @property
    def ended_well(self) -> bool:
        """Whether it says anything of what a unit takes."""
        return self.outcome == "success"

    @property
    def units(self) -> dict[str, float]:
        """What was done, by the name of the unit: as counted, else bytes of input, else the run itself."""
        if self.counted:
            return self.counted
        if self.work and self.work.input_bytes:
            return {"input_bytes": float(self.work.input_bytes)}
        return {"runs": 1.0}

    @property
    def startup_s(self) -> float:
        """Before there was an executor to work on; the whole where there never was one."""
        return self.duration_s if self.first_executor_s is None else self.first_executor_s

    @property
    def memory_share(self) -> float | None:
        """Of an executor's memory, the most that was in use; None where no heartbeat told."""
        if self.executor_peak is None:
            return None
        limit_mib = self.size.executor_memory_mib
        return self.executor_peak.kept_mib(heap_mib(limit_mib)) / limit_mib

    @property
    def gc_share(self) -> float:
        """Of the time in tasks, what went into collecting garbage. Where it is large, the heap is small."""
        return self.work.gc_s / self.work.task_s if self.work and self.work.task_s else 0.0

    @property
    def mean_executors(self) -> float:
        """How many there were, from the first one to the end."""
        working = self.duration_s - self.startup_s
        lived = sum(lifetime_s(life, self.duration_s) for life in self.executors)
        return lived / working if working > 0 else 0.0


@dataclass(frozen=True)
class Times:
    """Of the clock, in seconds."""

    started: float
    ended: float
    session: float | None = None
    """When there was a session first."""


@dataclass(frozen=True)
class Said:
    """How an application ended, and what it said of itself."""

    application: str
    ending: Success | Verdict
    exit_code: int | None
    counted: Mapping[str, float] = field(default_factory=dict)


def record_of(task: SparkTask, told: Recording, times: Times, said: Said, seen: Observed | None) -> RunRecord:
    """Put together what is known at the end of a run. `seen` is None where Spark told nothing."""
    duration_s = times.ended - times.started
    executors = lives(seen.executors if seen else [], times)
    driver = asked([duration_s], task.size.driver_cpu_request_millicores, task.size.driver_memory_mib)
    others = asked(
        [lifetime_s(life, duration_s) for life in executors],
        task.size.executor_cpu_request_millicores,
        task.size.executor_memory_mib,
    )
    ending = said.ending
    return RunRecord(
        dag_id=told.dag_id,
        task_id=told.task_id,
        run_id=told.run_id,
        map_index=told.map_index,
        try_number=told.try_number,
        application=said.application,
        size_name=task.size_name,
        size=task.size,
        image=task.image,
        started=datetime.fromtimestamp(times.started, UTC),
        ended=datetime.fromtimestamp(times.ended, UTC),
        duration_s=duration_s,
        session_s=None if times.session is None else times.session - times.started,
        first_executor_s=min((life.registered_s for life in executors), default=None),
        executors=executors,
        driver_asked=driver,
        executors_asked=others,
        executor_peak=seen.executor_peak if seen else None,
        driver_peak=seen.driver_peak if seen else None,
        work=seen.work if seen else None,
        counted=dict(said.counted),
        prices=told.prices,
        cost=driver.cost(told.prices.driver) + others.cost(told.prices.executor),
        outcome="success" if isinstance(ending, Success) else ending.kind,
        exit_code=said.exit_code,
        reason="" if isinstance(ending, Success) else ending.reason[:REASON],
    )


def lives(executors: Sequence[tuple[str, float, float | None]], times: Times) -> list[ExecutorLife]:
    """Executors by when they came, in seconds from the start."""
    return sorted(
        (
            ExecutorLife(
                id=name,
                registered_s=max(0.0, registered - times.started),
                removed_s=None if removed is None else max(0.0, removed - times.started),
            )
            for name, registered, removed in executors
        ),
        key=lambda life: life.registered_s,
    )


def lifetime_s(life: ExecutorLife, duration_s: float) -> float:
    """How long an executor was there, in a run of that duration."""
    return max(0.0, (duration_s if life.removed_s is None else life.removed_s) - life.registered_s)


def asked(lifetimes_s: Sequence[float], millicores: int, memory_mib: int) -> Asked:
    """What pods with these requests ask for over their lifetimes."""
    together_s = sum(lifetimes_s)
    return Asked(core_s=together_s * millicores / 1000, memory_mib_s=together_s * memory_mib)
