"""What Spark and the system tell of a run, just before Spark stops.

Spark's status store has what its pages and its REST API show. It is asked over pyspark's own connection and
not over HTTP: the first request to the REST API loads a web framework, which takes 2.6 s on one core, against
0.3 s for this; every run would pay that at its end.
"""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from switchboard_spark.records import Observed, Peak, Work

if TYPE_CHECKING:
    from pyspark import SparkContext

Json = Mapping[str, Any]

MIB = 2**20
DRIVER = "driver"
"""Spark's id of the driver, which it lists among the executors."""

ONLY_ACTIVE = False
ANY_STATUS = None
"""Arguments of the status store."""

EVENTS_MS = 300
"""How long Spark may take to book what happened last."""

RESIDENT_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def observe(context: SparkContext | None, java_pid: int | None) -> Observed:
    """All there is to know. Raises Py4JError, OSError or ValueError where Spark does not answer."""
    own = driver_peak(java_pid)
    if context is None:
        return Observed(driver_peak=own)
    everyone, stages = listed(context)
    executors = [each for each in everyone if each["id"] != DRIVER]
    return Observed(
        executors=[life_of(each) for each in executors],
        executor_peak=highest(executors),
        driver_peak=own,
        work=work_of(stages),
    )


def listed(context: SparkContext) -> tuple[list[Any], list[Any]]:
    """Executors, dead ones too, and stages, as the REST API has them (`/allexecutors`, `/stages`); times are
    milliseconds of the clock.
    """
    from py4j.protocol import Py4JError

    spark, java = context._jsc.sc(), context._jvm  # noqa: SLF001  pyspark's one way to Java
    with suppress(Py4JError):  # TimeoutException: what is booked by now has to do
        spark.listenerBus().waitUntilEmpty(EVENTS_MS)
    store = spark.statusStore()
    jackson = java.com.fasterxml.jackson
    mapper = jackson.databind.ObjectMapper().registerModule(jackson.module.scala.DefaultScalaModule())
    executors = store.executorList(ONLY_ACTIVE)
    # Java does not know that Scala's arguments have defaults
    defaults = [getattr(store, f"stageList$default${number}")() for number in range(2, 6)]
    stages = store.stageList(ANY_STATUS, *defaults)
    return json.loads(mapper.writeValueAsString(executors)), json.loads(mapper.writeValueAsString(stages))


def life_of(executor: Json) -> tuple[str, float, float | None]:
    """Id, and when it registered and was removed, in seconds of the clock."""
    removed = executor.get("removeTime")
    return executor["id"], executor["addTime"] / 1000, None if removed is None else removed / 1000


def highest(executors: Iterable[Json]) -> Peak | None:
    """The peak of the executor that had most."""
    peaks = [peak for each in executors if (peak := peak_of(each.get("peakMemoryMetrics") or {}))]
    return max(peaks, key=lambda peak: peak.resident_mib, default=None)


def peak_of(metrics: Json) -> Peak | None:
    """The memory of an executor from Spark's executor metrics, of which each is a peak of its own, so that
    sums are bounds; None where there was no heartbeat that brought any.
    """

    def mib(*names: str) -> float:
        return float(sum(metrics.get(name, 0) for name in names)) / MIB

    heap, off_heap = mib("JVMHeapMemory"), mib("JVMOffHeapMemory", "DirectPoolMemory")
    # Without process trees (`spark.executor.processTreeMetrics.enabled`) Java's own count is all there is
    java = mib("ProcessTreeJVMRSSMemory") or heap + off_heap
    python, other = mib("ProcessTreePythonRSSMemory"), mib("ProcessTreeOtherRSSMemory")
    if not java:
        return None
    return Peak(
        resident_mib=java + python + other,
        java_mib=java,
        heap_mib=heap,
        off_heap_mib=off_heap,
        python_mib=python,
    )


def driver_peak(java_pid: int | None, proc: Path = Path("/proc")) -> Peak:
    """The driver's: of this process and of its Java, each at its own peak."""
    python = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = None
    if java_pid is not None:
        with suppress(OSError):  # it has ended, or there is no such folder here
            found = RESIDENT_PEAK.search((proc / str(java_pid) / "status").read_text())
    java = int(found[1]) / 1024 if found else 0.0
    return Peak(resident_mib=python + java, java_mib=java, python_mib=python)


def work_of(stages: Sequence[Json]) -> Work:
    """Sums over stages."""

    def total(name: str) -> int:
        return sum(stage.get(name, 0) for stage in stages)

    return Work(
        stages=len(stages),
        tasks=total("numCompleteTasks"),
        failed_tasks=total("numFailedTasks"),
        task_s=total("executorRunTime") / 1e3,
        cpu_s=total("executorCpuTime") / 1e9,
        gc_s=total("jvmGcTime") / 1e3,
        input_bytes=total("inputBytes"),
        output_bytes=total("outputBytes"),
        shuffle_read_bytes=total("shuffleReadBytes"),
        shuffle_write_bytes=total("shuffleWriteBytes"),
        spill_memory_bytes=total("memoryBytesSpilled"),
        spill_disk_bytes=total("diskBytesSpilled"),
    )
