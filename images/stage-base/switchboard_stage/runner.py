"""Runs a stage over the calls of a batch, and reports what it did."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from switchboard_stage.calls import CallRunner
from switchboard_stage.context import Run
from switchboard_stage.errors import ObjectNotFoundError, UpstreamPendingError, UsageError
from switchboard_stage.layout import error_file, report_file, run_of
from switchboard_stage.models import Batch, BatchReport, CallOutcome
from switchboard_stage.stage import Stage
from switchboard_stage.store import Store

log = logging.getLogger("switchboard.stage")


class Job(NamedTuple):
    """What a process was started to do. `image` is the digest that the stage runs from."""

    batch: str
    output: str
    run_id: str
    image: str


class StoppedError(Exception):
    """Asked to stop before the batch was through."""


class Runner:
    """One stage over one batch. `stop` is asked between calls."""

    def __init__(
        self,
        stage: Stage[Any],
        job: Job,
        stores: Callable[[str], Store],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stage = stage
        self._job = job
        self._stores = stores
        self._run = Run(job.output, job.run_id, job.image)
        self._calls = CallRunner(stage, self._run, stores)
        self._stop = stop

    def run(self) -> BatchReport:
        """Work through the batch and leave its report.

        Raises `StoppedError`, `StoreError` where the store fails, `UsageError` where the batch cannot be
        read, and, once all other calls are through, `UpstreamPendingError`.
        """
        started_at, clock = datetime.now(UTC), time.monotonic()
        batch = read_batch(self._stores(self._job.batch), self._job.batch)
        outcomes, pending = self._all(batch)
        if pending:
            raise pending[0]
        seconds = round(time.monotonic() - clock, 3)
        report = make_report(
            self._stage.name, self._run, batch.index, outcomes, started_at=started_at, seconds=seconds
        )
        put_report(self._stores(self._job.batch), run_of(self._job.batch), report)
        return report

    def _all(self, batch: Batch) -> tuple[list[CallOutcome], list[UpstreamPendingError]]:
        if not self._stage.inputs:
            put_rejected(self._stores(self._job.output), self._job.output, batch)
        outcomes: list[CallOutcome] = []
        pending: list[UpstreamPendingError] = []
        for number, call in enumerate(batch.calls, start=1):
            if self._stop():
                through = f"{number - 1} of {len(batch.calls)} calls are through"
                raise StoppedError(f"asked to stop: {through}, a retry does the others")
            try:
                outcomes.append(self._calls.one(call))
                log.info("[%d/%d] %s", number, len(batch.calls), describe(outcomes[-1]))
            except UpstreamPendingError as error:
                pending.append(error)
                log.warning("[%d/%d] %s", number, len(batch.calls), error)
        return outcomes, pending


def read_batch(store: Store, uri: str) -> Batch:
    """The batch at `uri`. Raises `UsageError` where it is not there or not a batch."""
    try:
        return Batch.model_validate_json(store.get(uri))
    except ObjectNotFoundError:
        raise UsageError("--batch", uri, "there is no such object; the run's first task writes it") from None
    except ValueError as error:
        raise UsageError("--batch", uri, f"not a batch: {error}") from error


def put_rejected(store: Store, output: str, batch: Batch) -> None:
    """Leave an error record for each call that no stage gets to see; the first stage's business."""
    for rejected in batch.rejected:
        uri = error_file(output, rejected.call_id)
        store.put(uri, rejected.model_dump_json(indent=1).encode())


def make_report(
    stage: str, run: Run, batch: int, outcomes: Sequence[CallOutcome], *, started_at: datetime, seconds: float
) -> BatchReport:
    """The account of a batch. `seconds` is how long it took."""
    return BatchReport(
        run_id=run.run_id,
        stage=stage,
        batch=batch,
        image=run.image,
        started_at=started_at,
        seconds=seconds,
        audio_s=round(sum(each.audio_s for each in outcomes if each.outcome == "done"), 3),
        calls=tuple(outcomes),
    )


def put_report(store: Store, folder: str, report: BatchReport) -> None:
    """Leave the account of a batch in the run's folder."""
    uri = report_file(folder, report.stage, report.batch)
    store.put(uri, report.model_dump_json(indent=1).encode())


def describe(outcome: CallOutcome) -> str:
    """One line on one call."""
    text = f"{outcome.call_id}: {outcome.outcome} in {outcome.seconds:.1f} s"
    if outcome.audio_s:
        text += f" ({outcome.audio_s:.1f} s of audio)"
    return f"{text}: {outcome.reason}" if outcome.reason else text


def summarise(report: BatchReport) -> str:
    """One line on a batch."""
    counts = {
        kind: sum(o.outcome == kind for o in report.calls)
        for kind in ("done", "unchanged", "failed", "set-aside")
    }
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no calls"
    pace = f"{report.audio_s:.1f} s of audio in {report.seconds:.1f} s"
    return f"{report.stage} batch {report.batch}: {told}; {pace}"
