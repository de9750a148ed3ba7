"""Work in a process of its own, and when it is not."""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from autotranscribe import contained
from autotranscribe.contained import again, failure
from autotranscribe.notes import noted
from autotranscribe.work import stores
from switchboard_stage.calls import Failure

log = logging.getLogger("switchboard.stage")


@pytest.fixture
def tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "again", lambda: True)


def told(why: Failure, seconds: float) -> str:
    assert seconds < 60
    return why.reason


def die() -> str:
    faulthandler.disable()  # it is meant
    os.kill(os.getpid(), signal.SIGSEGV)
    return "still there"


@pytest.mark.usefixtures("tried_again")
def test_what_kills_its_process_kills_no_other() -> None:
    said = contained.contained("asr", die, told)
    assert said == "the process that worked on it in asr was killed by SIGSEGV"
    assert contained.contained("asr", lambda: os._exit(3), told).endswith("ended with exit code 3")


def test_where_a_task_is_tried_first_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "again", lambda: False)
    assert contained.contained("asr", os.getpid, told) == os.getpid()
    process = multiprocessing.get_context("fork").Process(
        target=lambda: contained.contained("asr", die, told)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGSEGV


@pytest.mark.usefixtures("tried_again")
def test_the_answer_comes_back_with_what_was_logged(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> tuple[int, str]:
        log.error("100% odd")
        return os.getpid(), "x" * 2**20

    with noted() as lines:
        log.error("before")
        found = contained.contained("asr", work, lambda *_: (0, ""))
    assert found[0] not in {0, os.getpid()}
    assert len(found[1]) == 2**20
    assert lines == ["before", "100% odd"]


class OddError(Exception):
    """Cannot be pickled: it is made of two things."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


@pytest.mark.usefixtures("tried_again")
def test_what_the_work_raises_is_raised_here() -> None:
    def work() -> None:
        log.error("once")
        raise OddError("a", "b")

    with noted() as lines, pytest.raises(OddError, match="a: b"):
        contained.contained("asr", work, told)
    assert lines == ["once"]


@pytest.mark.usefixtures("tried_again")
def test_scratch_files_of_who_was_killed_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def work() -> str:
        (Path(tempfile.mkdtemp(prefix="asr-")) / "call.wav").write_bytes(b"said")
        assert list(tmp_path.rglob("call.wav"))
        return die()

    assert "SIGSEGV" in contained.contained("asr", work, told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("tried_again")
def test_connections_are_not_shared() -> None:
    """Two processes on one connection would read each other's answers."""
    mine = stores()
    assert stores() is mine
    assert not contained.contained("asr", lambda: stores() is mine, lambda *_: True)


@pytest.mark.parametrize(
    ("attempt", "module", "expected"),
    [(None, "", False), (0, "", False), (1, "", True), (1, "faster_whisper", False)],
)
def test_only_what_spark_tries_again_is_contained_and_no_engine_with_threads(
    monkeypatch: pytest.MonkeyPatch, attempt: int | None, module: str, expected: bool
) -> None:
    context = None if attempt is None else SimpleNamespace(attemptNumber=lambda: attempt)
    pyspark = ModuleType("pyspark")
    pyspark.TaskContext = SimpleNamespace(get=lambda: context)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyspark", pyspark)
    if module:
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
    assert again() is expected


def test_short_memory_and_bad_recordings_have_their_remedies() -> None:
    assert "choose a larger `size`" in failure("asr", -signal.SIGKILL).remedy
    assert "report the recording" in failure("asr", -signal.SIGABRT).remedy
