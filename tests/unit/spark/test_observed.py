"""What is made of what Spark and the system tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from switchboard_spark.observed import driver_peak, highest, life_of, observe, peak_of, work_of
from switchboard_spark.records import Peak

MIB = 2**20
JAVA_ONLY = {"JVMHeapMemory": 300 * MIB, "JVMOffHeapMemory": 100 * MIB}
WITH_PROCESSES = {
    **JAVA_ONLY,
    "ProcessTreeJVMRSSMemory": 450 * MIB,
    "ProcessTreePythonRSSMemory": 120 * MIB,
    "ProcessTreeOtherRSSMemory": 2 * MIB,
}


def test_times_are_those_of_the_clock_in_seconds() -> None:
    assert life_of({"id": "1", "addTime": 1500, "removeTime": 4500}) == ("1", 1.5, 4.5)
    assert life_of({"id": "1", "addTime": 1500, "removeTime": None}) == ("1", 1.5, None)


def test_memory_is_that_of_all_processes_where_they_are_known() -> None:
    peak = peak_of(WITH_PROCESSES)
    assert peak == Peak(resident_mib=572, java_mib=450, heap_mib=300, off_heap_mib=100, python_mib=120)
    assert peak_of(JAVA_ONLY) == Peak(resident_mib=400, java_mib=400, heap_mib=300, off_heap_mib=100)


@pytest.mark.parametrize("metrics", [{}, dict.fromkeys(WITH_PROCESSES, 0)])
def test_memory_that_no_heartbeat_told_of_is_unknown_and_not_none(metrics: dict[str, int]) -> None:
    assert peak_of(metrics) is None


def test_the_executor_that_had_most_is_the_one_that_counts() -> None:
    executors: list[dict[str, Any]] = [
        {"peakMemoryMetrics": JAVA_ONLY},
        {"peakMemoryMetrics": WITH_PROCESSES},
        {"peakMemoryMetrics": None},
        {},
    ]
    found = highest(executors)
    assert found is not None
    assert found.resident_mib == 572
    assert highest(executors[2:]) is None


def test_work_is_summed_over_stages() -> None:
    stage = {
        "numCompleteTasks": 4,
        "numFailedTasks": 1,
        "executorRunTime": 2500,
        "executorCpuTime": 2_000_000_000,
        "jvmGcTime": 100,
        "inputBytes": 10,
        "memoryBytesSpilled": 30,
        "diskBytesSpilled": 20,
    }
    work = work_of([stage, stage])
    assert (work.stages, work.tasks, work.failed_tasks) == (2, 8, 2)
    assert (work.task_s, work.cpu_s, work.gc_s) == (5.0, 4.0, 0.2)
    assert (work.input_bytes, work.spill_memory_bytes, work.spill_disk_bytes) == (20, 60, 40)
    assert work_of([]).tasks == 0


def test_the_drivers_memory_is_its_own_and_its_javas(tmp_path: Path) -> None:
    (tmp_path / "17").mkdir()
    (tmp_path / "17/status").write_text("Name:\tjava\nVmHWM:\t  204800 kB\nVmRSS:\t 1 kB\n")
    alone = driver_peak(None)
    assert alone.resident_mib == alone.python_mib > 5
    assert driver_peak(17, tmp_path).resident_mib == pytest.approx(alone.python_mib + 200, abs=5)


def test_a_java_that_is_gone_is_not_counted(tmp_path: Path) -> None:
    peak = driver_peak(17, tmp_path)
    assert peak.resident_mib == peak.python_mib


def test_without_a_session_there_is_the_driver_alone() -> None:
    seen = observe(None, os.getpid())
    assert (seen.executors, seen.executor_peak, seen.work) == ([], None, None)
    assert seen.driver_peak is not None
