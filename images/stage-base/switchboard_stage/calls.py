"""Runs a stage on one call: skips what is done, records what cannot be done."""

import hashlib
import json
import logging
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from switchboard_stage.context import CallContext, Run
from switchboard_stage.errors import (
    ObjectNotFoundError,
    StageError,
    StoreError,
    UpstreamPendingError,
    UsageError,
)
from switchboard_stage.layout import done_file, error_file, join
from switchboard_stage.models import Call, CallOutcome, ErrorRecord, StageDone
from switchboard_stage.stage import Stage
from switchboard_stage.store import Store

log = logging.getLogger("switchboard.stage")


class Begun(NamedTuple):
    """A call that there is work to do on: as it is now, the marks of what is read, and the mark to leave."""

    call: Call
    upstream: dict[str, StageDone]
    fingerprint: str


class Failure(NamedTuple):
    """Why a call has no result."""

    reason: str
    remedy: str


class CallRunner:
    """One stage, a call at a time."""

    def __init__(self, stage: Stage[Any], run: Run, stores: Callable[[str], Store]) -> None:
        self._stage = stage
        self._run = run
        self._stores = stores
        self._store = stores(run.output)

    def one(self, call: Call) -> CallOutcome:
        """All of the stage's work on a call.

        Raises `StoreError` where the store fails, and `UpstreamPendingError`.
        """
        clock = time.monotonic()
        try:
            begun = self._begin(call, clock)
            if isinstance(begun, CallOutcome):
                return begun
            work_clock = time.monotonic()
            with self._context(begun.call, begun.upstream) as context:
                self._stage.process(context)
            audio_s = self._complete(begun, context, since(work_clock))
        except Exception as error:  # noqa: BLE001  one call must not take the others with it
            return self.record(call, self._failure(call, error), since(clock))
        return CallOutcome(call_id=call.call_id, outcome="done", seconds=since(clock), audio_s=audio_s)

    def _begin(self, call: Call, clock: float) -> Begun | CallOutcome:
        """Look what there is to do; where there is something, take away what was there."""
        upstream = self._upstream(call)
        if upstream is None:
            self._store.delete(self._done_uri(call))
            return CallOutcome(call_id=call.call_id, outcome="set-aside", seconds=since(clock))
        call = self._as_it_is_now(call)
        mark = self._fingerprint(call, upstream)
        before = self._read(self._done_uri(call))
        if before and before.fingerprint == mark and not self._lost(call, before):
            self._clear_error(call)
            return CallOutcome(
                call_id=call.call_id, outcome="unchanged", seconds=since(clock), audio_s=before.audio_s
            )
        if before:
            # Half-overwritten results must never stand under a mark that calls them whole; and what is not
            # written again (the last chunks of a call that became shorter) must not stay.
            self._store.delete(self._done_uri(call))
            for old in self._store.list(self._folder(call)):
                self._store.delete(old.uri)
        return Begun(call, upstream, mark)

    def _complete(self, begun: Begun, context: CallContext, seconds: float) -> float:
        """Leave the mark of a call that took that many seconds of work; gives the length of its audio."""
        done = StageDone(
            fingerprint=begun.fingerprint,
            stage=self._stage.name,
            image=self._run.image,
            seconds=round(seconds, 3),
            audio_s=round(context.audio_s, 3),
            outputs=tuple(sorted(context.written)),
        )
        self._put(self._done_uri(begun.call), done)
        self._clear_error(begun.call)
        return done.audio_s

    def _failure(self, call: Call, error: Exception) -> Failure:
        """What an error says of the call; raised again where it says nothing of it."""
        if isinstance(error, StageError):
            return Failure(error.reason, error.remedy)
        if isinstance(error, ObjectNotFoundError):
            return Failure(
                f"object gone: {error.uri}", "put the object back, or start a run without this call"
            )
        if isinstance(error, UsageError | UpstreamPendingError | StoreError):
            raise error
        log.error("%s: internal error", call.call_id, exc_info=error)
        return Failure(
            f"internal error: {_place(error)}",
            "report it with the task's log; the other calls are not affected",
        )

    def record(self, call: Call, failure: Failure, seconds: float) -> CallOutcome:
        """Leave the error record of a call, and no mark: after `seconds` it cannot be worked on. Raises
        `StoreError`.
        """
        record = ErrorRecord(
            call_id=call.call_id,
            uris=(call.uri,),
            stage=self._stage.name,
            reason=failure.reason,
            remedy=failure.remedy,
            run_id=self._run.run_id,
            image=self._run.image,
            at=datetime.now(UTC),
        )
        self._put(error_file(self._run.output, call.call_id), record)
        self._store.delete(self._done_uri(call))
        return CallOutcome(call_id=call.call_id, outcome="failed", seconds=seconds, reason=failure.reason)

    def _folder(self, call: Call) -> str:
        return join(self._run.output, call.call_id, self._stage.name) + "/"

    def _lost(self, call: Call, done: StageDone) -> set[str]:
        """Files under the mark that are there no more: somebody removed them."""
        folder = self._folder(call)
        return set(done.outputs) - {found.uri.removeprefix(folder) for found in self._store.list(folder)}

    @contextmanager
    def _context(self, call: Call, upstream: dict[str, StageDone]) -> Iterator[CallContext]:
        with tempfile.TemporaryDirectory(prefix=f"{self._stage.name}-") as scratch:
            context = CallContext(
                call,
                stage=self._stage.name,
                run=self._run,
                scratch=Path(scratch),
                stores=self._stores,
            )
            context.upstream = upstream
            context.audio_s = max((done.audio_s for done in upstream.values()), default=0.0)
            yield context

    def _upstream(self, call: Call) -> dict[str, StageDone] | None:
        """Marks of the stages that this one reads; None where one of them has failed on the call."""
        found = {
            stage: self._read(done_file(self._run.output, call.call_id, stage))
            for stage in self._stage.inputs
        }
        marks = {stage: done for stage, done in found.items() if done}
        if len(marks) == len(found):
            return marks
        if self._store.head(error_file(self._run.output, call.call_id)):
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
            self._stage.name, self._run.image, self._stage.params.model_dump(mode="json"), origin
        )

    def _clear_error(self, call: Call) -> None:
        """The first stage takes away any old record, a later one its own: those of others are still true."""
        uri = error_file(self._run.output, call.call_id)
        if self._stage.inputs:
            try:
                if ErrorRecord.model_validate_json(self._store.get(uri)).stage != self._stage.name:
                    return
            except ObjectNotFoundError:
                return
        self._store.delete(uri)

    def _done_uri(self, call: Call) -> str:
        return done_file(self._run.output, call.call_id, self._stage.name)

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


def since(clock: float) -> float:
    """Seconds since a time of `time.monotonic`."""
    return round(time.monotonic() - clock, 3)


def _place(error: Exception) -> str:
    """Type of an error and where it was raised; not its words, which can quote what was said in the call."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
