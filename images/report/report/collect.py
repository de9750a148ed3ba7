"""Gathers a run's account from what its tasks left in the object store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel

from report.models import Failure, Plan, StageAccount, Summary
from switchboard_stage.errors import ObjectNotFoundError, UsageError
from switchboard_stage.layout import batch_file, error_file, join, report_file, stage_file
from switchboard_stage.models import Batch, BatchReport, Call, ErrorRecord, Transcript
from switchboard_stage.store import Store

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
R = TypeVar("R")

PARALLEL = 16
"""Requests at once: one a call would take long one after the other."""

TRANSCRIBER = "postprocess"
"""The stage whose result is the transcript."""


@dataclass(frozen=True)
class Transcribed:
    """What is counted of a transcript."""

    seconds: float
    words: int
    redactions: Counter[str]


@dataclass
class Tally:
    """What became of the calls so far."""

    transcripts: list[Transcribed] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def summarise(store: Callable[[str], Store], run: str, max_failure_share: float) -> Summary:
    """The account of the run whose folder is `run`.

    Raises:
        UsageError: there is no plan in that folder.
        StoreError: the object store failed.
    """
    reader = Reader(store)
    plan = reader.get(join(run, "plan.json"), Plan)
    if plan is None:
        raise UsageError("--run", run, "there is no plan.json in it: the run's task `plan` has not finished")
    reports = _reports(reader, run, plan)
    tally = Tally(failures=[_from_record(record) for record in plan.rejected])
    for index in range(len(plan.batches)):
        _add_batch(tally, reader, plan, batch_file(run, index), reports)
    accounts = tuple(_account(stage, plan, reports) for stage in plan.stages)
    total = len(tally.transcripts) + len(tally.failures)
    return Summary(
        run_id=plan.run_id,
        at=datetime.now(UTC),
        calls=total,
        transcribed=len(tally.transcripts),
        minutes=round(sum(each.seconds for each in tally.transcripts) / 60, 2),
        words=sum(each.words for each in tally.transcripts),
        redactions=dict(sorted(sum((each.redactions for each in tally.transcripts), Counter()).items())),
        real_time_factor=_real_time_factor(accounts),
        stages=accounts,
        failures=tuple(sorted(tally.failures, key=lambda each: each.call_id)),
        failure_share=len(tally.failures) / total if total else 0.0,
        max_failure_share=max_failure_share,
    )


class Reader:
    """Reads models; what is not there is None."""

    def __init__(self, stores: Callable[[str], Store]) -> None:
        self._stores = stores

    def get(self, uri: str, model: type[M]) -> M | None:
        """A model, None where there is no such object."""
        try:
            return model.model_validate_json(self._stores(uri).get(uri))
        except ObjectNotFoundError:
            return None

    def each(self, work: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """Do something for each of many, several at once."""
        with ThreadPoolExecutor(PARALLEL) as workers:
            return list(workers.map(work, things))


def _reports(reader: Reader, run: str, plan: Plan) -> dict[tuple[str, int], BatchReport]:
    places = [(stage, index) for stage in plan.stages for index in range(len(plan.batches))]
    found = reader.each(lambda place: reader.get(report_file(run, *place), BatchReport), places)
    return {place: report for place, report in zip(places, found, strict=True) if report}


def _account(stage: str, plan: Plan, reports: dict[tuple[str, int], BatchReport]) -> StageAccount:
    indices = range(len(plan.batches))
    mine = [reports[stage, index] for index in indices if (stage, index) in reports]
    outcomes = Counter(call.outcome for report in mine for call in report.calls)
    return StageAccount(
        stage=stage,
        done=outcomes["done"],
        unchanged=outcomes["unchanged"],
        failed=outcomes["failed"],
        set_aside=outcomes["set-aside"],
        seconds=round(sum(report.seconds for report in mine), 2),
        audio_s=round(sum(report.audio_s for report in mine), 2),
        missing=tuple(index for index in indices if (stage, index) not in reports),
    )


def _real_time_factor(accounts: Iterable[StageAccount]) -> float | None:
    """Of all stages together: what a second of audio costs in one stage, added up over the stages."""
    factors = [each.real_time_factor for each in accounts if each.real_time_factor is not None]
    return round(sum(factors), 3) if factors else None


def _add_batch(
    tally: Tally, reader: Reader, plan: Plan, uri: str, reports: dict[tuple[str, int], BatchReport]
) -> None:
    """Say of every call of a batch what became of it."""
    batch = reader.get(uri, Batch)
    if batch is None:
        raise UsageError("--run", uri, "the plan names this batch, but it is gone; start a new run")
    unfinished = next((stage for stage in plan.stages if (stage, batch.index) not in reports), None)
    transcriber = reports.get((TRANSCRIBER, batch.index))
    finished = (
        {call.call_id for call in transcriber.calls if call.outcome in {"done", "unchanged"}}
        if transcriber
        else set()
    )

    def look(call: Call) -> Transcribed | Failure:
        if call.call_id in finished:
            made = reader.get(
                stage_file(plan.output, call.call_id, TRANSCRIBER, "transcript.json"), Transcript
            )
            if made:
                return _count(made)
        record = reader.get(error_file(plan.output, call.call_id), ErrorRecord)
        return _from_record(record) if record else _unexplained(call, batch.index, unfinished)

    for found in reader.each(look, batch.calls):
        if isinstance(found, Failure):
            tally.failures.append(found)
        else:
            tally.transcripts.append(found)


def _count(transcript: Transcript) -> Transcribed:
    return Transcribed(
        seconds=transcript.duration_s,
        words=sum(len(segment.words) for segment in transcript.segments),
        redactions=Counter(each.entity for each in transcript.redactions),
    )


def _from_record(record: ErrorRecord) -> Failure:
    return Failure.model_validate(record.model_dump(include=set(Failure.model_fields)))


def _unexplained(call: Call, batch: int, stage: str | None) -> Failure:
    """A call that neither has a transcript nor an error record: its batch got stuck."""
    return Failure(
        call_id=call.call_id,
        uris=(call.uri,),
        stage=stage or TRANSCRIBER,
        reason=f"batch {batch} was not finished: its task {stage!r} failed" if stage else "no transcript",
        remedy="see that task's log, then clear it or start the run again: what is done is not done twice",
    )
