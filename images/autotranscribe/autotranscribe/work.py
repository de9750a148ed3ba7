"""What executors do: the stages, as their pods do them, a call or a part of one at a time.

`prepare` takes a call as far as its chunks, `recognise` works on one of these, `finish` on what came of all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from autotranscribe.contained import contained
from autotranscribe.notes import noted
from switchboard_stage.calls import CallRunner
from switchboard_stage.cli import build
from switchboard_stage.context import Run
from switchboard_stage.errors import UpstreamPendingError
from switchboard_stage.models import Call, CallOutcome
from switchboard_stage.split import Parted, Split, SplitRunner
from switchboard_stage.stage import Part, SplitStage, Stage
from switchboard_stage.stores import Stores

STAGES = {
    "preprocess": "preprocess.stage:Preprocess",
    "language-id": "language_id.stage:LanguageId",
    "diarization": "diarization.stage:Diarization",
    "asr": "asr.stage:Asr",
    "redaction": "redaction.stage:Redact",
    "postprocess": "postprocess.stage:Postprocess",
}
"""The classes of the stages, in the order in which they work on a call."""

BEFORE, SPLIT, AFTER = ("preprocess", "language-id", "diarization"), "asr", ("redaction", "postprocess")
"""Recognition takes nearly all of the time, so its parts are shared out one by one."""


class Work(NamedTuple):
    """What is the same for all calls of a run; it travels with every task. `params` is JSON, `images` has the
    digest of every stage's image.
    """

    run_id: str
    output: str
    params: str
    images: Mapping[str, str]

    def run(self, stage: str) -> Run:
        """What a stage's work on all calls has in common."""
        return Run(self.output, self.run_id, self.images[stage])


class Finished(NamedTuple):
    """What became of a call in each stage. `pending`: why that cannot be said yet: another run is at it.
    `log`: what stages had to say, for the task's log, since an executor's goes with it.
    """

    call: Call
    outcomes: dict[str, CallOutcome]
    pending: str = ""
    log: tuple[str, ...] = ()


class Prepared(NamedTuple):
    """A call that is through the first stages; `split` is what is to be recognised, if anything is."""

    so_far: Finished
    split: Split | None = None


class Heard(NamedTuple):
    """What came of the part of a call with that number."""

    number: int
    parted: Parted
    log: tuple[str, ...]


class Piece(NamedTuple):
    """A part of a call, and which."""

    call: Call
    number: int
    part: Part


def prepare(work: Work, call: Call) -> Prepared:
    """The first stages, and what there is to recognise. Raises `StoreError` and, before anything is done,
    `UsageError` where the run's parameters are wrong. (The last stages have none, and take long to load.)
    """
    for name in (*BEFORE, SPLIT):
        load(name, work.params)
    with noted() as log:
        so_far, split = begin(work, through(BEFORE, work, Finished(call, {})))
    return Prepared(so_far._replace(log=tuple(log)), split)


def begin(work: Work, so_far: Finished) -> tuple[Finished, Split | None]:
    """What there is to recognise, or why there is nothing. Raises `StoreError`."""
    if so_far.pending:
        return so_far, None
    call = so_far.call
    try:
        begun = contained(
            SPLIT, lambda: recogniser(work).begin(call), lambda *why: recogniser(work).record(call, *why)
        )
    except UpstreamPendingError as error:
        return so_far._replace(pending=str(error)), None
    if isinstance(begun, Split):
        return so_far, begun
    return so_far._replace(outcomes={**so_far.outcomes, SPLIT: begun}), None


def recognise(work: Work, piece: Piece) -> tuple[str, Heard]:
    """One part, under its call's id. Raises `StoreError`."""
    load(SPLIT, work.params)
    with noted() as log:
        parted = contained(SPLIT, lambda: recogniser(work).part(piece.call, piece.part), Parted)
    return piece.call.call_id, Heard(piece.number, parted, tuple(log))


def finish(work: Work, found: Iterable[Prepared | Heard]) -> Finished:
    """The last stages, from all that was found out about a call: how it was prepared, and its parts in any
    order. Raises `StoreError`.
    """
    everything = list(found)
    (prepared,) = [each for each in everything if isinstance(each, Prepared)]
    heard = sorted((each for each in everything if isinstance(each, Heard)), key=lambda each: each.number)
    so_far = prepared.so_far
    with noted() as log:
        if prepared.split:
            outcome = put_together(work, prepared.split, [each.parted for each in heard])
            so_far = so_far._replace(outcomes={**so_far.outcomes, SPLIT: outcome})
        if not so_far.pending:
            so_far = through(AFTER, work, so_far)
    before = (*so_far.log, *(line for each in heard for line in each.log))
    return so_far._replace(log=(*before, *log))


def put_together(work: Work, split: Split, parted: Sequence[Parted]) -> CallOutcome:
    """What came of all parts of a call. Raises `StoreError`."""
    load(SPLIT, work.params)
    return contained(
        SPLIT,
        lambda: recogniser(work).finish(split, parted),
        lambda *why: recogniser(work).record(split.begun.call, *why),
    )


def through(stages: Iterable[str], work: Work, so_far: Finished) -> Finished:
    """Take a call through more stages. A stage that it fails in is followed by those that set it aside."""
    outcomes, pending = dict(so_far.outcomes), ""
    try:
        for name in stages:
            outcomes[name] = one(name, work, so_far.call)
    except UpstreamPendingError as error:
        pending = str(error)
    return so_far._replace(outcomes=outcomes, pending=pending)


def one(name: str, work: Work, call: Call) -> CallOutcome:
    """A whole stage on a call. Raises `StoreError` and `UpstreamPendingError`."""
    stage = load(name, work.params)

    def runner() -> CallRunner:
        return CallRunner(stage, work.run(name), stores())

    return contained(name, lambda: runner().one(call), lambda *why: runner().record(call, *why))


def recogniser(work: Work) -> SplitRunner:
    """The runner of the stage in parts."""
    stage = load(SPLIT, work.params)
    assert isinstance(stage, SplitStage)  # noqa: S101  for the type checker
    return SplitRunner(stage, work.run(SPLIT), stores())


@cache
def load(name: str, params: str) -> Stage[Any]:
    """A stage with its models: once in each Python worker, which lives as long as its executor has work.

    Raises `UsageError` naming the parameter that is wrong.
    """
    module, _, attribute = STAGES[name].partition(":")
    return build(getattr(import_module(module), attribute), params)


def stores() -> Stores:
    """The connections of this process to object stores: a forked one has its own, or answers get mixed up."""
    return stores_of(os.getpid())


@cache
def stores_of(process: int) -> Stores:  # noqa: ARG001  it is remembered by that
    """Those of a process."""
    return Stores()


def as_params(values: Mapping[str, Any]) -> str:
    """Parameters as `Work` has them: the same text for the same parameters."""
    return json.dumps(values, sort_keys=True)
