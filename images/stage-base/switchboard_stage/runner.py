"""Runs a stage over the calls of a batch: skips what is done, records what cannot be done, reports what it
did.
"""

import hashlib
import json
import logging
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from switchboard_stage.context import CallContext
from switchboard_stage.errors import (
    ObjectNotFoundError,
    StageError,
    StoreError,
    UpstreamPendingError,
    UsageError,
)
from switchboard_stage.layout import done_file, error_file, join, report_file, run_of
from switchboard_stage.models import Batch, BatchReport, Call, CallOutcome, ErrorRecord, Outcome, StageDone
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
        self._store = stores(job.output)
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
        done = [o for o in outcomes if o.outcome == "done"]
        report = BatchReport(
            run_id=self._job.run_id,
            stage=self._stage.name,
            batch=batch.index,
            image=self._job.image,
            started_at=started_at,
            seconds=round(time.monotonic() - clock, 3),
            audio_s=round(sum(o.audio_s for o in done), 3),
            calls=tuple(outcomes),
        )
        uri = report_file(run_of(self._job.batch), self._stage.name, batch.index)
        self._stores(uri).put(uri, report.model_dump_json(indent=1).encode())
        return report

    def _all(self, batch: Batch) -> tuple[list[CallOutcome], list[UpstreamPendingError]]:
        if not self._stage.inputs:
            for rejected in batch.rejected:
                self._put(error_file(self._job.output, rejected.call_id), rejected)
        outcomes: list[CallOutcome] = []
        pending: list[UpstreamPendingError] = []
        for number, call in enumerate(batch.calls, start=1):
            if self._stop():
                through = f"{number - 1} of {len(batch.calls)} calls are through"
                raise StoppedError(f"asked to stop: {through}, a retry does the others")
            try:
                outcomes.append(self._one(call))
                log.info("[%d/%d] %s", number, len(batch.calls), describe(outcomes[-1]))
            except UpstreamPendingError as error:
                pending.append(error)
                log.warning("[%d/%d] %s", number, len(batch.calls), error)
        return outcomes, pending

    def _one(self, call: Call) -> CallOutcome:
        clock = time.monotonic()
        try:
            outcome, audio_s = self._attempt(call)
            return CallOutcome(call_id=call.call_id, outcome=outcome, seconds=_since(clock), audio_s=audio_s)
        except (UsageError, UpstreamPendingError):
            raise
        except StageError as error:
            reason, remedy = error.reason, error.remedy
        except ObjectNotFoundError as error:
            reason, remedy = (
                f"object gone: {error.uri}",
                "put the object back, or start a run without this call",
            )
        except StoreError:
            raise
        except Exception as error:  # one call must not take the others with it
            log.exception("%s: internal error", call.call_id)
            reason, remedy = (
                f"internal error: {_place(error)}",
                "report it with the task's log; the other calls are not affected",
            )
        self._record(call, reason, remedy)
        return CallOutcome(call_id=call.call_id, outcome="failed", seconds=_since(clock), reason=reason)

    def _attempt(self, call: Call) -> tuple[Outcome, float]:
        upstream = self._upstream(call)
        if upstream is None:
            self._store.delete(self._done_uri(call))
            return "set-aside", 0.0
        call = self._as_it_is_now(call)
        mark = self._fingerprint(call, upstream)
        before = self._read(self._done_uri(call))
        if before and before.fingerprint == mark and not self._lost(call, before):
            self._clear_error(call)
            return "unchanged", before.audio_s
        if before:
            # Half-overwritten results must never stand under a mark that calls them whole; and what is not
            # written again (the last chunks of a call that became shorter) must not stay.
            self._store.delete(self._done_uri(call))
            for old in self._store.list(self._folder(call)):
                self._store.delete(old.uri)
        clock = time.monotonic()
        context = self._process(call, upstream)
        done = StageDone(
            fingerprint=mark,
            stage=self._stage.name,
            image=self._job.image,
            seconds=_since(clock),
            audio_s=round(context.audio_s, 3),
            outputs=tuple(sorted(context.written)),
        )
        self._put(self._done_uri(call), done)
        self._clear_error(call)
        return "done", done.audio_s

    def _folder(self, call: Call) -> str:
        return join(self._job.output, call.call_id, self._stage.name) + "/"

    def _lost(self, call: Call, done: StageDone) -> set[str]:
        """Files under the mark that are there no more: somebody removed them."""
        folder = self._folder(call)
        return set(done.outputs) - {found.uri.removeprefix(folder) for found in self._store.list(folder)}

    def _process(self, call: Call, upstream: dict[str, StageDone]) -> CallContext:
        with tempfile.TemporaryDirectory(prefix=f"{self._stage.name}-") as scratch:
            context = CallContext(
                call,
                stage=self._stage.name,
                output=self._job.output,
                run_id=self._job.run_id,
                scratch=Path(scratch),
                stores=self._stores,
            )
            context.upstream = upstream
            context.audio_s = max((done.audio_s for done in upstream.values()), default=0.0)
            self._stage.process(context)
            return context

    def _upstream(self, call: Call) -> dict[str, StageDone] | None:
        """Marks of the stages that this one reads; None where one of them has failed on the call."""
        found = {
            stage: self._read(done_file(self._job.output, call.call_id, stage))
            for stage in self._stage.inputs
        }
        marks = {stage: done for stage, done in found.items() if done}
        if len(marks) == len(found):
            return marks
        if self._store.head(error_file(self._job.output, call.call_id)):
            return None
        raise UpstreamPendingError(call.call_id, tuple(sorted(found.keys() - marks.keys())))

    def _as_it_is_now(self, call: Call) -> Call:
        """The source can have changed since the run listed it; only the first stage reads it."""
        if self._stage.inputs:
            return call
        source = self._stores(call.uri).head(call.uri)
        if source is None:
            raise ObjectNotFoundError(call.uri)
        return call.model_copy(update={"etag": source.etag, "size_bytes": source.size_bytes})

    def _fingerprint(self, call: Call, upstream: dict[str, StageDone]) -> str:
        origin = {stage: done.fingerprint for stage, done in upstream.items()} or {call.uri: call.etag}
        return fingerprint(
            self._stage.name, self._job.image, self._stage.params.model_dump(mode="json"), origin
        )

    def _record(self, call: Call, reason: str, remedy: str) -> None:
        record = ErrorRecord(
            call_id=call.call_id,
            uris=(call.uri,),
            stage=self._stage.name,
            reason=reason,
            remedy=remedy,
            run_id=self._job.run_id,
            image=self._job.image,
            at=datetime.now(UTC),
        )
        self._put(error_file(self._job.output, call.call_id), record)
        self._store.delete(self._done_uri(call))

    def _clear_error(self, call: Call) -> None:
        """The first stage takes away any old record, a later one its own: those of others are still true."""
        uri = error_file(self._job.output, call.call_id)
        if self._stage.inputs:
            try:
                if ErrorRecord.model_validate_json(self._store.get(uri)).stage != self._stage.name:
                    return
            except ObjectNotFoundError:
                return
        self._store.delete(uri)

    def _done_uri(self, call: Call) -> str:
        return done_file(self._job.output, call.call_id, self._stage.name)

    def _read(self, uri: str) -> StageDone | None:
        try:
            return StageDone.model_validate_json(self._store.get(uri))
        except ObjectNotFoundError:
            return None

    def _put(self, uri: str, model: StageDone | ErrorRecord) -> None:
        self._store.put(uri, model.model_dump_json(indent=1).encode())


def fingerprint(stage: str, image: str, params: dict[str, Any], origin: dict[str, str]) -> str:
    """What a stage's output depends on, as one hash: the same hash means that there is nothing to do."""
    material = json.dumps([stage, image, params, origin], sort_keys=True)
    return hashlib.sha256(material.encode()).hexdigest()


def read_batch(store: Store, uri: str) -> Batch:
    """The batch at `uri`. Raises `UsageError` where it is not there or not a batch."""
    try:
        return Batch.model_validate_json(store.get(uri))
    except ObjectNotFoundError:
        raise UsageError("--batch", uri, "there is no such object; the run's first task writes it") from None
    except ValueError as error:
        raise UsageError("--batch", uri, f"not a batch: {error}") from error


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


def _since(clock: float) -> float:
    return round(time.monotonic() - clock, 3)


def _place(error: Exception) -> str:
    """Type of an error and where it was raised; not its words, which can quote what was said in the call."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
