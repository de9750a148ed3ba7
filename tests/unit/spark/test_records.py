"""The record of a run, from what is known at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from switchboard_spark.model import Price, SparkTask, Success, Verdict
from switchboard_spark.records import Asked, Observed, Peak, RunRecord, Said, Times, Work, record_of
from tests.unit.spark.conftest import RECORDING, make_task

START = 1_800_000_000.0
TIMES = Times(started=START, ended=START + 100, session=START + 4)
SEEN = Observed(
    executors=[("2", START + 20, START + 50), ("1", START + 10, None)],
    executor_peak=Peak(resident_mib=700, heap_mib=500, python_mib=90),
    driver_peak=Peak(resident_mib=400),
    work=Work(stages=2, tasks=8, input_bytes=2**30),
)
WELL = Said("words:count", Success(result=1), 0)


@pytest.fixture
def task() -> SparkTask:
    return make_task(
        executor_cpu_request_millicores=500,
        executor_memory_mib=2048,
        driver_cpu_request_millicores=250,
        driver_memory_mib=1024,
    )


def made(task: SparkTask, said: Said = WELL, seen: Observed | None = SEEN, times: Times = TIMES) -> RunRecord:
    return record_of(task, RECORDING, times, said, seen)


def test_executors_are_in_the_order_in_which_they_came_and_their_time_is_the_runs(task: SparkTask) -> None:
    record = made(task)
    assert [(each.id, each.registered_s, each.removed_s) for each in record.executors] == [
        ("1", 10, None),
        ("2", 20, 50),
    ]
    assert (record.duration_s, record.session_s, record.first_executor_s) == (100, 4, 10)
    assert record.started == datetime.fromtimestamp(START, UTC)
    assert record.mean_executors == pytest.approx((90 + 30) / 90)


def test_what_is_asked_for_is_requests_over_lifetimes(task: SparkTask) -> None:
    record = made(task)
    assert record.driver_asked == Asked(core_s=25, memory_mib_s=102_400)
    assert record.executors_asked == Asked(core_s=60, memory_mib_s=120 * 2048)


def test_the_cost_is_that_of_the_driver_and_of_executors_each_at_its_own_price(task: SparkTask) -> None:
    driver = (25 * 0.04 + 100 * 0.004) / 3600
    executors = (60 * 0.02 + 240 * 0.002) / 3600
    assert made(task).cost == pytest.approx(driver + executors)


def test_a_vcpu_and_a_gib_for_an_hour_cost_their_price() -> None:
    price = Price(vcpu_hour=0.5, gib_hour=0.25)
    assert Asked(core_s=3600, memory_mib_s=1024 * 3600).cost(price) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("counted", "work", "units"),
    [
        ({"calls": 3.0}, Work(input_bytes=5), {"calls": 3.0}),
        ({}, Work(input_bytes=5), {"input_bytes": 5.0}),
        ({}, Work(), {"runs": 1.0}),
        ({}, None, {"runs": 1.0}),
    ],
)
def test_without_units_of_its_own_the_input_counts_and_without_any_the_run(
    task: SparkTask, counted: dict[str, float], work: Work | None, units: dict[str, float]
) -> None:
    said = Said("words:count", Success(result=1), 0, counted)
    assert made(task, said, SEEN.model_copy(update={"work": work})).units == units


def test_a_failure_is_recorded_with_the_beginning_of_its_reason(task: SparkTask) -> None:
    verdict = Verdict(kind="application", reason="x" * 5000, remedy="r")
    record = made(task, Said("words:count", verdict, 1))
    assert (record.outcome, record.exit_code, len(record.reason)) == ("application", 1, 300)
    assert not record.ended_well
    assert made(task).ended_well


def test_a_run_that_never_had_a_session_asked_for_its_driver_alone(task: SparkTask) -> None:
    record = made(task, seen=None, times=Times(START, START + 10))
    assert (record.session_s, record.first_executor_s, record.executors) == (None, None, [])
    assert record.executors_asked == Asked()
    assert record.work is None
    assert (record.startup_s, record.mean_executors) == (10, 0)


@pytest.mark.parametrize(
    ("peak", "kept_mib"),
    [
        # A heap of 500 MiB and 100 MiB beside it: the rest of Java's resident memory is mapped files
        (Peak(resident_mib=1000, java_mib=850, off_heap_mib=100, python_mib=150), 750),
        (Peak(resident_mib=500, java_mib=350, off_heap_mib=100, python_mib=150), 500),
    ],
)
def test_mapped_files_do_not_count_against_a_container(peak: Peak, kept_mib: float) -> None:
    assert peak.kept_mib(500) == kept_mib


def test_shares_are_of_an_executors_memory_and_of_the_time_in_tasks(task: SparkTask) -> None:
    peak = Peak(resident_mib=1024, java_mib=900, python_mib=124)
    work = Work(task_s=50, gc_s=5)
    record = made(task, seen=SEEN.model_copy(update={"executor_peak": peak, "work": work}))
    assert (record.memory_share, record.gc_share) == (0.5, 0.1)
    assert (made(task, seen=None).memory_share, made(task, seen=None).gc_share) == (None, 0)


def test_a_record_survives_the_way_through_the_object_store(task: SparkTask) -> None:
    record = made(task)
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_what_a_later_version_adds_is_passed_over(task: SparkTask) -> None:
    whole: dict[str, Any] = made(task).model_dump(mode="json") | {"carbon_g": 3}
    assert RunRecord.model_validate(whole) == made(task)
