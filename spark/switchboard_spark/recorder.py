"""Leaves a record of a run (`records.RunRecord`) in the object store when its driver ends, well or badly.

A record is worth less than any run: what goes wrong with it is a line in the log, and what takes long is
given up, so that no end is changed, and none is later by more than twice `PATIENCE_S`; where a driver was
asked to stop and so is in a hurry, `OBSERVE_S`, `WRITE_S` and `LOAD_S`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from switchboard_spark import units
from switchboard_spark.background import done_within, in_background
from switchboard_spark.model import SparkTask, Success, Verdict
from switchboard_spark.observed import observe
from switchboard_spark.records import Observed, RunRecord, Said, Times, record_of
from switchboard_spark.session import preparation, running_context

log = logging.getLogger("switchboard.spark")

PATIENCE_S = 10.0
"""How long Spark, and then the object store, may take: much longer than they do, so that a machine that has
little time to give costs no record."""

OBSERVE_S = 1.5
"""How long Spark may take in a hurry; it has to be asked before it stops. On a busy core it takes 0.8 s."""

WRITE_S = 0.5
"""How long the object store may take in a hurry, beyond the time in which executors are removed."""

LOAD_S = 1.0
"""How long the library may take in a hurry where it was not loaded before the end: a core is shared then."""

ATTEMPTS = 3
"""How often a write is tried: a store that asks to slow down is not one that is gone."""


class Recorder:
    """The record of one run: first `observe`, while Spark is there, then `write`, then `finish`."""

    def __init__(self, task: SparkTask | None, hurried: Callable[[], bool] = lambda: False) -> None:
        """`hurried`: whether the driver was asked to stop, which may come while something is waited for."""
        self._hurried = hurried
        self._task = task
        self._told = task.recording if task else None
        self._started = time.time()
        self._observing = threading.Lock()
        self._observed: Observed | None = None
        self._asked = False
        self._writing: Future[None] | None = None
        self._store: Future[Any] | None = None
        self.application = ""
        """The name of the function, once it is known."""

    def _limit_s(self, in_a_hurry: float) -> float:
        return in_a_hurry if self._hurried() else PATIENCE_S

    def load(self) -> None:
        """Begin to load the object store's library: it takes a third of a second of a core, which a driver
        has none of until it has a session, and little of at its end.
        """
        if self._told and self._store is None:
            self._store = in_background(store, "store")

    def observe(self) -> None:
        """Ask Spark, the first time that this is called. Takes `PATIENCE_S` at most, hurried `OBSERVE_S`."""
        if self._told is None or not self._observing.acquire(timeout=self._limit_s(OBSERVE_S)):
            return
        try:
            if self._asked:
                return
            self._asked = True
            self.load()
            asked = in_background(_ask, "observe")
            done_within(asked, lambda: self._limit_s(OBSERVE_S))
            self._observed = asked.result(0)
        except Exception as error:  # noqa: BLE001  Py4J's, Java's, the system's: none may end a driver
            log.warning("the record of this run lacks what Spark knows: %s", _in_words(error))
        finally:
            self._observing.release()

    def write(self, ending: Success | Verdict, exit_code: int) -> None:
        """Begin to write. Does not wait."""
        self.load()
        if self._task is None or self._told is None or self._store is None:
            return
        task, told, client = self._task, self._told, self._store
        times = Times(self._started, time.time(), preparation.first_session)
        said = Said(self.application, ending, exit_code, units.counted())
        observed = self._observed

        def work() -> None:
            put(client.result(), told.uri, record_of(task, told, times, said, observed))

        self._writing = in_background(work, "record")

    def finish(self) -> None:
        """Wait until it is written: `PATIENCE_S` at most, hurried `WRITE_S`, and `LOAD_S` more where
        there was never a session.
        """
        if self._writing is None:
            return
        in_a_hurry = WRITE_S if preparation.first_session else WRITE_S + LOAD_S
        try:
            done_within(self._writing, lambda: self._limit_s(in_a_hurry))
            self._writing.result(0)
        except Exception as error:  # noqa: BLE001  whatever it is, the run has ended as it has
            log.warning("this run is not recorded: %s", _in_words(error))


def store() -> Any:
    """A client of the object store. Not boto3's own session, which threads must not share."""
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S, retries=retries)
    return boto3.session.Session().client("s3", config=config)


def put(client: Any, uri: str, record: RunRecord) -> None:
    """Write a record. Raises BotoCoreError or ClientError."""
    place = urlsplit(uri)
    client.put_object(
        Bucket=place.netloc,
        Key=place.path.lstrip("/"),
        Body=record.model_dump_json(indent=1).encode(),
        ContentType="application/json",
    )


def _ask() -> Observed:
    java = preparation.java
    context = running_context() if "pyspark" in sys.modules else None
    return observe(context, java.process.pid if java else None)


def _in_words(error: Exception) -> str:
    lines = str(error).splitlines() or ["it takes too long"]
    return f"{type(error).__name__}: {lines[0]}"
