"""What executors do: the stages, as their pods do them, a call or a part of one at a time.

`prepare` takes a call as far as its chunks, `recognise` works on one of these, `finish` on what came of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from switchboard_stage.calls import CallRunner
from switchboard_stage.cli import build
from switchboard_stage.context import Run
from switchboard_stage.errors import UpstreamPendingError
from switchboard_stage.models import Call, CallOutcome
from switchboard_stage.split import Parted, Split, SplitRunner
from switchboard_stage.stage import Part, SplitStage, Stage
from switchboard_stage.store import Stores

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
    """What became of a call in each stage. `pending`: why that cannot be said yet: another run is at it."""

    call: Call
    outcomes: dict[str, CallOutcome]
    pending: str = ""


class Prepared(NamedTuple):
    """A call that is through the first stages; `split` is what is to be recognised, if anything is."""

    so_far: Finished
    split: Split | None = None


class Piece(NamedTuple):
    """A part of a call, and which."""

    call: Call
    number: int
    part: Part


def prepare(work: Work, call: Call) -> Prepared:
    """The first stages, and what there is to recognise. Raises `StoreError` and, before anything is done,
    `UsageError` where the run's parameters are wrong.
    """
    for name in STAGES:
        load(name, work.params)
    so_far = through(BEFORE, work, Finished(call, {}))
    if so_far.pending:
        return Prepared(so_far)
    try:
        begun = recogniser(work).begin(call)
    except UpstreamPendingError as error:
        return Prepared(so_far._replace(pending=str(error)))
    if isinstance(begun, Split):
        return Prepared(so_far, begun)
    return Prepared(so_far._replace(outcomes={**so_far.outcomes, SPLIT: begun}))


def recognise(work: Work, piece: Piece) -> tuple[str, tuple[int, Parted]]:
    """One part, under its call's id. Raises `StoreError`."""
    return piece.call.call_id, (piece.number, recogniser(work).part(piece.call, piece.part))


def finish(work: Work, found: Iterable[Prepared | tuple[int, Parted]]) -> Finished:
    """The last stages, from all that was found out about a call: how it was prepared, and its parts in any
    order. Raises `StoreError`.
    """
    everything = list(found)
    (prepared,) = [each for each in everything if isinstance(each, Prepared)]
    so_far = prepared.so_far
    if prepared.split:
        parts = sorted(
            (each for each in everything if not isinstance(each, Prepared)), key=lambda part: part[0]
        )
        outcome = recogniser(work).finish(prepared.split, [parted for _, parted in parts])
        so_far = so_far._replace(outcomes={**so_far.outcomes, SPLIT: outcome})
    return so_far if so_far.pending else through(AFTER, work, so_far)


def through(stages: Iterable[str], work: Work, so_far: Finished) -> Finished:
    """Take a call through more stages. A stage that it fails in is followed by those that set it aside."""
    outcomes = dict(so_far.outcomes)
    try:
        for name in stages:
            runner = CallRunner(load(name, work.params), work.run(name), stores())
            outcomes[name] = runner.one(so_far.call)
    except UpstreamPendingError as error:
        return so_far._replace(outcomes=outcomes, pending=str(error))
    return so_far._replace(outcomes=outcomes)


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


@cache
def stores() -> Stores:
    """The connections of this process to object stores."""
    return Stores()


def as_params(values: Mapping[str, Any]) -> str:
    """Parameters as `Work` has them: the same text for the same parameters."""
    return json.dumps(values, sort_keys=True)
