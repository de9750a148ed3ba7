"""A driver leaves a record, however its application ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from switchboard_spark import preflight, recorder, run
from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_USAGE,
    TASK_VARIABLE,
    Ending,
    Success,
    Verdict,
)
from switchboard_spark.records import RunRecord
from switchboard_spark.verdicts import Judgement
from tests.unit.spark.conftest import RECORDING, make_task

GIVEN_UP = Judgement(Verdict(kind="infrastructure", reason="no node", remedy="add one"), EXIT_INFRASTRUCTURE)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, RunRecord]:
    """What was written, by its place."""
    kept: dict[str, RunRecord] = {}
    monkeypatch.setattr(recorder, "store", lambda: kept)
    monkeypatch.setattr(recorder, "put", dict.__setitem__)
    return kept


@pytest.fixture
def driver(
    tmp_path: Path, written: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> Iterator[run.Driver]:
    """A driver in a pod, on a cluster that nobody asks."""
    monkeypatch.setattr(run.Driver, "_make_watcher", lambda *_: None)
    monkeypatch.setattr(preflight, "make_executor", lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    task = make_task().model_copy(update={"recording": RECORDING})
    pod = {"POD_NAME": "driver", "POD_UID": "u", "POD_IP": "10.0.0.7", "POD_NAMESPACE": "n"}
    yield run.Driver({**pod, TASK_VARIABLE: task.model_dump_json()}, tmp_path / "log")
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("application", "outcome", "status"),
    [
        ("os:getpid", "success", 0),
        ("sys:exit", "application", EXIT_APPLICATION),
        ("os:nothing", "usage", EXIT_USAGE),
    ],
)
def test_each_end_is_recorded(
    driver: run.Driver, written: dict[str, RunRecord], application: str, outcome: str, status: int
) -> None:
    assert driver.run(["--application", application]) == status
    record = written[RECORDING.uri]
    assert (record.outcome, record.exit_code) == (outcome, status)
    assert record.application == ("" if outcome == "usage" else application)
    assert record.driver_peak is not None


def test_a_run_that_is_given_up_is_recorded_with_the_verdict(
    driver: run.Driver, written: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr(run, "leave", left.append)
    monkeypatch.setattr(run, "UNWIND_S", 0.05)
    driver.give_up(GIVEN_UP)
    assert left == [EXIT_INFRASTRUCTURE]
    assert (written[RECORDING.uri].outcome, written[RECORDING.uri].reason) == ("infrastructure", "no node")


def test_a_record_that_fails_changes_no_end(
    driver: run.Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no S3")

    monkeypatch.setattr(recorder, "put", fail)
    monkeypatch.setattr(recorder, "_ask", fail)
    assert driver.run(["--application", "os:getcwd"]) == 0
    adapter: TypeAdapter[Success | Verdict] = TypeAdapter(Ending)
    assert adapter.validate_json((tmp_path / "log").read_text()) == Success(result=str(Path.cwd()))
