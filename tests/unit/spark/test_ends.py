"""How a driver in a pod ends, without Spark: of itself, given up or asked to stop."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from switchboard_spark import run
from switchboard_spark.kube import ApiError
from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    TASK_VARIABLE,
    SparkTask,
    Success,
    Verdict,
)
from switchboard_spark.verdicts import death_of
from tests.unit.spark.conftest import ended
from tests.unit.spark.driving import GIVEN_UP, FakeApi, said, start

pytestmark = pytest.mark.usefixtures("jobs")


@pytest.mark.parametrize("application", ["answer", "nowhere"])
def test_nothing_is_left_at_the_end(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], application: str
) -> None:
    """The first executor is asked for beside all else, and is made before everything is removed."""
    start(application, log, in_a_pod)
    assert [pod["metadata"]["labels"]["switchboard/spark-driver"] for pod in api.made] == ["0a1b-2c3d"]
    assert api.deleted == ["switchboard/spark-driver=0a1b-2c3d"]


def test_executors_that_the_cluster_does_not_take_are_not_waited_for(
    log: Path, api: FakeApi, in_a_pod: dict[str, str]
) -> None:
    api.refusals = [ApiError(403, "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0")]
    assert start("started", log, in_a_pod) == EXIT_PERMANENT
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert (verdict.kind, "exceeded quota" in verdict.reason) == ("infrastructure", True)


def test_an_application_that_swallows_its_errors_ends_with_the_verdict_too(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = run.Driver(in_a_pod, log)

    def given_up_meanwhile() -> str:
        driver._judgement = GIVEN_UP
        return "session"

    monkeypatch.setattr(run, "spark_session", given_up_meanwhile)
    assert driver.run(["--application", "jobs_of_run:started"]) == EXIT_INFRASTRUCTURE
    assert said(log) == GIVEN_UP.verdict


def test_a_verdict_that_comes_after_the_functions_end_changes_nothing(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = run.Driver(in_a_pod, log)
    observed = driver._recorder.observe

    def late() -> None:
        driver._judgement = GIVEN_UP
        observed()

    monkeypatch.setattr(driver._recorder, "observe", late)
    assert driver.run(["--application", "jobs_of_run:answer"]) == 0
    assert said(log) == Success(result={"calls": 3})


def test_what_hangs_does_not_keep_a_driver_that_was_asked_to_stop(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the API server nor Spark answers, and the application does not notice."""
    left: list[int] = []
    hang = threading.Event()
    monkeypatch.setattr(run, "leave", left.append)
    monkeypatch.setattr(run, "TERMINATED_S", 0.3)
    monkeypatch.setattr(api, "delete_pods", lambda _: hang.wait(20))
    monkeypatch.setattr(run, "stop_spark", hang.wait)
    started = time.monotonic()
    run.Driver(in_a_pod, log).give_up(run.STOPPED)
    assert time.monotonic() - started < 10
    hang.set()
    assert left == [128 + signal.SIGTERM]
    assert said(log) == run.STOPPED.verdict


def test_an_application_that_was_given_up_ends_with_the_verdict(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calls fail when Spark is stopped; the reason is the verdict, not the exception."""
    driver = run.Driver(in_a_pod, log)
    driver._judgement = GIVEN_UP
    assert driver.run(["--application", "jobs_of_run:fail"]) == EXIT_INFRASTRUCTURE
    assert said(log) == GIVEN_UP.verdict


def test_an_application_that_does_not_notice_is_ended_with_the_process(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(run, "leave", left.append)
    monkeypatch.setattr(run, "STOP_S", 0)
    monkeypatch.setattr(run, "UNWIND_S", 0.05)
    run.Driver(in_a_pod, log).give_up(GIVEN_UP)
    assert left == [EXIT_INFRASTRUCTURE]
    assert said(log) == GIVEN_UP.verdict
    assert api.deleted


def test_the_logs_of_the_dead_are_shown(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    driver = run.Driver(in_a_pod, log)
    assert driver._watcher is not None
    death = death_of(ended(1, 1, message="the last words"))
    assert death is not None
    driver._watcher.observer.deaths.append(death)
    assert driver.run(["--application", "jobs_of_run:fail"]) == EXIT_APPLICATION
    assert "exec-1: Error (exit code 1)" in caplog.text
    assert "the last words" in caplog.text


def test_the_first_executor_is_not_asked_for_any_more_at_the_end(
    log: Path, api: FakeApi, in_a_pod: dict[str, str]
) -> None:
    api.refusals = [ApiError(503, "busy")] * 10_000
    driver = run.Driver(in_a_pod, log)
    assert driver.run(["--application", "jobs_of_run:fail"]) == EXIT_APPLICATION
    assert driver._asked.done()


def test_the_platform_says_how_long_a_node_is_waited_for(
    log: Path, in_a_pod: dict[str, str], task: SparkTask
) -> None:
    patient = task.model_copy(update={"unschedulable_seconds": 900})
    driver = run.Driver({**in_a_pod, TASK_VARIABLE: patient.model_dump_json()}, log)
    assert driver._watcher is not None
    assert driver._watcher.observer.limit_s == 900
