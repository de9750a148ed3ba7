"""What a run planned, and its account. Times are seconds; minutes are of audio."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from switchboard_stage.models import ErrorRecord, Model


class Plan(Model):
    """`plan.json`: what the run's first task decided. `batches` are numbers of calls, in the order of the
    batches.
    """

    run_id: str
    output: str
    stages: tuple[str, ...]
    batches: tuple[int, ...]
    rejected: tuple[ErrorRecord, ...]
    ignored: int
    at: datetime


class StageAccount(Model):
    """What a stage did in this run. `missing` are the batches of which it left no report."""

    stage: str
    done: int = 0
    unchanged: int = 0
    failed: int = 0
    set_aside: int = 0
    seconds: float = 0
    audio_s: float = 0
    missing: tuple[int, ...] = ()

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work a second of audio; None where there was nothing to do."""
        return self.seconds / self.audio_s if self.audio_s else None


class Failure(Model):
    """A call without a transcript."""

    call_id: str
    uris: tuple[str, ...]
    stage: str
    reason: str
    remedy: str


class Summary(Model):
    """`summary.json`. `real_time_factor`: seconds of all stages a second of audio, None where all was
    unchanged.
    """

    run_id: str
    at: datetime
    calls: int
    transcribed: int
    minutes: float
    words: int
    redactions: Mapping[str, int]
    real_time_factor: float | None
    stages: tuple[StageAccount, ...]
    failures: tuple[Failure, ...]
    failure_share: float = Field(ge=0, le=1)
    max_failure_share: float = Field(ge=0, le=1)

    @property
    def succeeded(self) -> bool:
        """Whether the run counts as a success."""
        return self.failure_share <= self.max_failure_share
