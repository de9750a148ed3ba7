"""Runs a stage that falls into parts on one call, the parts in any order and place.

    begin ── Split.parts ──► part, part, part … ── Parted ──► finish

Calls and parts of many calls can so be worked on at once, in processes that share nothing but the store. What
comes of it is what `CallRunner.one` leaves.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from switchboard_stage.calls import Begun, CallRunner, Failure, since
from switchboard_stage.context import Run
from switchboard_stage.models import Call, CallOutcome
from switchboard_stage.stage import Part, SplitStage
from switchboard_stage.store import Store


class Split(NamedTuple):
    """A call that there is work to do on, and its parts."""

    begun: Begun
    parts: tuple[Part, ...]
    seconds: float


class Parted(NamedTuple):
    """What came of a part."""

    result: Any | Failure
    seconds: float


class SplitRunner(CallRunner):
    """One stage that falls into parts."""

    def __init__(self, stage: SplitStage[Any, Any], run: Run, stores: Callable[[str], Store]) -> None:
        super().__init__(stage, run, stores)
        self._split_stage = stage

    def begin(self, call: Call) -> Split | CallOutcome:
        """What there is to do on a call; its outcome, where there is nothing. Raises as `one` does."""
        clock = time.monotonic()
        try:
            begun = self._begin(call, clock)
            if isinstance(begun, CallOutcome):
                return begun
            with self._context(begun.call, begun.upstream) as context:
                return Split(begun, tuple(self._split_stage.parts(context)), since(clock))
        except Exception as error:  # noqa: BLE001  one call must not take the others with it
            return self.record(call, self._failure(call, error), since(clock))

    def part(self, call: Call, part: Part) -> Parted:
        """Work on a part. Raises `StoreError` where the store fails."""
        clock = time.monotonic()
        try:
            with self._context(call, upstream={}) as context:
                return Parted(self._split_stage.work(context, part), since(clock))
        except Exception as error:  # noqa: BLE001
            return Parted(self._failure(call, error), since(clock))

    def finish(self, split: Split, parted: Sequence[Parted]) -> CallOutcome:
        """Put together what came of all parts, given in their order. Of several failures the first counts, as
        it would have been the only one. Raises `StoreError` where the store fails.
        """
        call, clock = split.begun.call, time.monotonic()
        before = split.seconds + sum(each.seconds for each in parted)
        failure = next((each.result for each in parted if isinstance(each.result, Failure)), None)
        if failure:
            return self.record(call, failure, round(before, 3))
        results = [(part, each.result) for part, each in zip(split.parts, parted, strict=True)]
        try:
            with self._context(call, split.begun.upstream) as context:
                self._split_stage.finish(context, results)
            audio_s = self._complete(split.begun, context, before + since(clock))
        except Exception as error:  # noqa: BLE001
            return self.record(call, self._failure(call, error), round(before + since(clock), 3))
        seconds = round(before + since(clock), 3)
        return CallOutcome(call_id=call.call_id, outcome="done", seconds=seconds, audio_s=audio_s)
