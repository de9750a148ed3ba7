"""A record is left whatever happens, and whatever happens to it changes no run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard_spark import recorder, units
from switchboard_spark.model import SparkTask, Success
from switchboard_spark.recorder import Recorder
from switchboard_spark.records import Observed, RunRecord, Work
from tests.unit.spark.conftest import RECORDING, make_task

SEEN = Observed(work=Work(tasks=4))
DONE = Success(result=1)


@pytest.fixture
def task() -> SparkTask:
    return make_task().model_copy(update={"recording": RECORDING})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, RunRecord]]:
    """What was written, by its place."""
    kept: dict[str, RunRecord] = {}
    monkeypatch.setattr(recorder, "store", lambda: kept)
    monkeypatch.setattr(recorder, "put", dict.__setitem__)
    monkeypatch.setattr(recorder, "_ask", lambda: SEEN)
    units.forget()
    yield kept
    units.forget()


def end(made: Recorder) -> None:
    made.observe()
    made.write(DONE, 0)
    made.finish()


def test_a_record_lies_where_the_platform_said(task: SparkTask, written: dict[str, RunRecord]) -> None:
    made = Recorder(task)
    made.application = "words:count"
    units.count(words=12)
    end(made)
    record = written[RECORDING.uri]
    assert (record.dag_id, record.task_id, record.try_number) == ("speech", "words", 2)
    assert (record.application, record.work, record.units) == ("words:count", SEEN.work, {"words": 12})


def test_spark_is_asked_once_and_before_it_stops(
    task: SparkTask, written: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def ask() -> Observed:
        asked.append(1)
        return SEEN

    monkeypatch.setattr(recorder, "_ask", ask)
    made = Recorder(task)
    made.observe()
    end(made)
    assert len(asked) == 1


@pytest.mark.parametrize("told", [None, make_task()])
def test_nothing_is_written_where_nobody_said_where_to(
    told: SparkTask | None, written: dict[str, RunRecord]
) -> None:
    end(Recorder(told))
    assert written == {}


def fails() -> Any:
    raise RuntimeError("gone\nwith details")


def hangs() -> Any:
    threading.Event().wait(20)


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("trouble", [(fails, "RuntimeError: gone"), (hangs, "it takes too long")])
def test_a_spark_that_does_not_answer_leaves_a_record_of_the_rest(
    task: SparkTask,
    written: dict[str, RunRecord],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: tuple[Callable[[], Any], str],
    hurried: bool,
) -> None:
    ask, words = trouble
    monkeypatch.setattr(recorder, "_ask", ask)
    for limit in ("PATIENCE_S", "OBSERVE_S"):
        monkeypatch.setattr(recorder, limit, 0.05)
    end(Recorder(task, lambda: hurried))
    assert written[RECORDING.uri].work is None
    (line,) = caplog.messages
    assert line.startswith("the record of this run lacks what Spark knows: ")
    assert line.endswith(words)


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("trouble", [(fails, "RuntimeError: gone"), (hangs, "it takes too long")])
def test_a_record_that_cannot_be_written_is_a_line_in_the_log(
    task: SparkTask,
    written: dict[str, RunRecord],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: tuple[Callable[[], Any], str],
    hurried: bool,
) -> None:
    store, words = trouble
    monkeypatch.setattr(recorder, "put", lambda *_: store())
    for limit in ("PATIENCE_S", "WRITE_S", "LOAD_S"):
        monkeypatch.setattr(recorder, limit, 0.05)
    started = time.monotonic()
    end(Recorder(task, lambda: hurried))
    assert time.monotonic() - started < 15
    (line,) = caplog.messages
    assert line.startswith("this run is not recorded: ")
    assert line.endswith(words)


@pytest.mark.parametrize("hurried", [False, True])
def test_only_who_is_in_a_hurry_does_not_wait_for_what_is_slow(
    task: SparkTask, written: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch, hurried: bool
) -> None:
    """On a machine that had little time to give, records of runs that ended well were missing."""
    over = threading.Event()

    def slow() -> Observed:
        over.wait(0.2)
        return SEEN

    def put(kept: dict[str, RunRecord], uri: str, record: RunRecord) -> None:
        over.wait(10 if hurried else 0.2)
        kept[uri] = record

    monkeypatch.setattr(recorder, "_ask", slow)
    monkeypatch.setattr(recorder, "put", put)
    for limit in ("OBSERVE_S", "WRITE_S", "LOAD_S"):
        monkeypatch.setattr(recorder, limit, 0.02)
    end(Recorder(task, lambda: hurried))
    assert [record.work for record in written.values()] == ([] if hurried else [SEEN.work])
    over.set()


def test_who_is_asked_to_hurry_while_it_waits_does(
    task: SparkTask, written: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, answered, hurry = threading.Event(), threading.Event(), threading.Event()

    def ask() -> Observed:
        asking.set()
        answered.wait(30)
        return SEEN

    monkeypatch.setattr(recorder, "_ask", ask)
    monkeypatch.setattr(recorder, "PATIENCE_S", 60)
    monkeypatch.setattr(recorder, "OBSERVE_S", 0.05)
    made = Recorder(task, hurry.is_set)
    patient = threading.Thread(target=made.observe)
    patient.start()
    assert asking.wait(10)
    assert patient.is_alive()
    hurry.set()
    made.observe()  # by who asked it to stop
    patient.join(10)
    assert not patient.is_alive()
    answered.set()
