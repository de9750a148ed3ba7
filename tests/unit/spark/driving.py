"""A driver without Spark: an application's functions, and an API server that remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from switchboard_spark import run
from switchboard_spark.model import EXIT_INFRASTRUCTURE, Ending, Success, Verdict
from switchboard_spark.session import preparation
from switchboard_spark.verdicts import Judgement

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


def said(log: Path) -> Success | Verdict:
    adapter: TypeAdapter[Success | Verdict] = TypeAdapter(Ending)
    return adapter.validate_json(log.read_text())


def start(name: str, log: Path, environment: dict[str, str] | None = None) -> int:
    return run.Driver(environment or {}, log).run(["--application", f"jobs_of_run:{name}"])


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


def session() -> str:
    """What `spark_session` does once Java is there."""
    preparation.finish()
    return "session"
