"""The driver, without Spark: what it says and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from switchboard_spark import run
from switchboard_spark.background import in_background
from switchboard_spark.java import Java
from switchboard_spark.message import write_message
from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    EXIT_USAGE,
    Success,
    Verdict,
)
from switchboard_spark.session import SessionError, preparation
from tests.unit.spark.driving import GIVEN_UP, said, start

pytestmark = pytest.mark.usefixtures("jobs")


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
    assert time.monotonic() - started < 45
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
    write_message(Verdict(kind="application", reason=letters * 9000, remedy="r"), log)
    assert len(log.read_bytes()) <= 4096
    assert json.loads(log.read_text())["reason"].endswith("…")


@pytest.mark.parametrize("letters", ["a", "\n", "😀"])
def test_a_long_remedy_is_cut_too(log: Path, letters: str) -> None:
    verdict = Verdict(kind="application", reason="short", remedy=letters * 9000)
    in_background(lambda: write_message(verdict, log), "message").result(5)
    found = said(log)
    assert isinstance(found, Verdict)
    assert (found.reason, found.remedy[-1]) == ("short", "…")
    assert len(log.read_bytes()) <= 4096


def test_no_place_for_a_message_is_no_failure(tmp_path: Path) -> None:
    assert start("answer", tmp_path / "nowhere" / "log") == 0


def test_work_in_the_background_gives_its_error_to_who_asks() -> None:
    def fail() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        in_background(fail, "fail").result(5)
