"""The driver, without Spark: what it says and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

from switchboard_spark import preflight, run
from switchboard_spark.background import in_background
from switchboard_spark.java import Java
from switchboard_spark.kube import ApiError, ApiUnreachableError
from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    EXIT_USAGE,
    TASK_VARIABLE,
    Ending,
    SparkTask,
    Success,
    Verdict,
)
from switchboard_spark.pods import PodIdentity
from switchboard_spark.session import SessionError, preparation
from switchboard_spark.verdicts import Judgement, death_of
from tests.unit.spark.conftest import ended

CODE = """
import os, signal, time
from switchboard_spark.application import PermanentError
from switchboard_spark.connections import connection
def refuse(): raise PermanentError("bad data:" + " call-1" * 200, "correct it")
def connect(): return connection("ware-house")
def answer(): return {"calls": 3}
def fail(): raise ValueError("bad call")
def leave(): raise SystemExit(3)
def big(): return "x" * 5000
def started(spark): return spark
def terminate(): os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)
def wait(): time.sleep(30)
"""
GIVEN_UP = Judgement(Verdict(kind="infrastructure", reason="no node", remedy="add one"), EXIT_INFRASTRUCTURE)


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "jobs_of_run.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    preparation.finish, preparation.java = (lambda: None), None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


def said(log: Path) -> Success | Verdict:
    adapter: TypeAdapter[Success | Verdict] = TypeAdapter(Ending)
    return adapter.validate_json(log.read_text())


def start(name: str, log: Path, environment: dict[str, str] | None = None) -> int:
    return run.Driver(environment or {}, log).run(["--application", f"jobs_of_run:{name}"])


def test_a_result_is_the_termination_message(log: Path) -> None:
    assert start("answer", log) == 0
    assert said(log) == Success(result={"calls": 3})


@pytest.mark.parametrize(
    ("name", "status", "kind", "reason"),
    [
        ("fail", EXIT_APPLICATION, "application", "ValueError: bad call"),
        ("leave", EXIT_APPLICATION, "application", "SystemExit: 3"),
        ("nothing", EXIT_USAGE, "usage", "no function 'nothing'"),
        ("big", EXIT_PERMANENT, "usage", "5,002 bytes"),
        ("refuse", EXIT_PERMANENT, "application", "bad data:" + " call-1" * 200),
        ("connect", EXIT_USAGE, "usage", "the task did not ask for the connection 'ware-house'"),
    ],
)
def test_a_failure_has_a_kind_a_reason_and_a_status(
    log: Path, name: str, status: int, kind: str, reason: str
) -> None:
    assert start(name, log) == status
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert verdict.kind == kind
    assert reason in verdict.reason
    assert verdict.remedy


def test_a_session_that_cannot_be_is_not_the_applications_fault(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_session() -> None:
        raise SessionError("Spark did not start: no S3\nwith details")

    monkeypatch.setattr(run, "spark_session", no_session)
    assert start("started", log) == EXIT_INFRASTRUCTURE
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert (verdict.kind, verdict.reason) == ("infrastructure", "Spark did not start: no S3")


def test_java_that_is_gone_is_the_reason_of_all_that_follows(log: Path) -> None:
    preparation.java = Java(cast("Any", SimpleNamespace(poll=lambda: 3)), None)
    assert start("fail", log) == EXIT_APPLICATION
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert "heap was full" in verdict.reason


def test_sigterm_ends_it_quickly_and_says_so(log: Path) -> None:
    """In a process of its own, which does not come back."""
    code = "import sys, pathlib; from switchboard_spark.run import Driver, leave; "
    code += "leave(Driver({}, pathlib.Path(sys.argv[1])).run(['--application', 'jobs_of_run:terminate']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(log.parent), *sys.path])}
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, log], env=environment, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - started < 10
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert (verdict.kind, "SIGTERM" in verdict.reason) == ("infrastructure", True)


def test_what_ends_already_is_not_given_up(log: Path) -> None:
    driver = run.Driver({}, log)
    assert driver.run(["--application", "jobs_of_run:answer"]) == 0
    driver.give_up(GIVEN_UP)
    assert driver._judgement is None


@pytest.mark.parametrize("letters", ["a", "ä", "\n", "😀"])
def test_a_message_fits_in_what_kubernetes_keeps(log: Path, letters: str) -> None:
    run.write_message(Verdict(kind="application", reason=letters * 9000, remedy="r"), log)
    assert len(log.read_bytes()) <= 4096
    assert json.loads(log.read_text())["reason"].endswith("…")


def test_no_place_for_a_message_is_no_failure(tmp_path: Path) -> None:
    assert start("answer", tmp_path / "nowhere" / "log") == 0


class FakeApi:
    """What the API server was asked."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.made: list[Any] = []
        self.refusals: list[Exception] = []

    def pods(self, selector: str) -> tuple[list[Any], str]:
        return [], "1"

    def changes(self, selector: str, version: str, wait_s: int) -> Iterator[Any]:
        threading.Event().wait(0.05)
        return iter(())

    def delete_pods(self, selector: str) -> None:
        self.deleted.append(selector)

    def create(self, pod: Any) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        assert not self.deleted, "nobody will remove it"
        self.made.append(pod)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(run, "Api", lambda _: fake)
    monkeypatch.setattr(preflight, "PAUSE_S", 0)
    monkeypatch.setattr(run, "spark_session", session)
    return fake


def session() -> str:
    """What `spark_session` does once Java is there."""
    preparation.finish()
    return "session"


@pytest.fixture
def in_a_pod(task: SparkTask, pod: PodIdentity) -> dict[str, str]:
    return {
        TASK_VARIABLE: task.model_dump_json(),
        "POD_NAME": pod.name,
        "POD_UID": pod.uid,
        "POD_IP": pod.ip,
        "POD_NAMESPACE": pod.namespace,
    }


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


def test_an_api_server_that_is_away_for_a_moment_is_asked_again(
    log: Path, api: FakeApi, in_a_pod: dict[str, str]
) -> None:
    api.refusals = [ApiUnreachableError("POST pods: refused")] * (preflight.TRIES - 1)
    assert start("started", log, in_a_pod) == 0
    api.refusals = [ApiUnreachableError("POST pods: refused")] * preflight.TRIES
    assert start("started", log, in_a_pod) == EXIT_INFRASTRUCTURE


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


def test_the_platform_says_how_long_a_node_is_waited_for(
    log: Path, in_a_pod: dict[str, str], task: SparkTask
) -> None:
    patient = task.model_copy(update={"unschedulable_seconds": 900})
    driver = run.Driver({**in_a_pod, TASK_VARIABLE: patient.model_dump_json()}, log)
    assert driver._watcher is not None
    assert driver._watcher.observer.limit_s == 900


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


def test_work_in_the_background_gives_its_error_to_who_asks() -> None:
    def fail() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        in_background(fail, "fail").result(5)
