"""The recordings that the end-to-end tests transcribe: six good ones, and every bad one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.environment import Environment
from samples.calls import KINDS, make_call, make_calls
from samples.models import Entity, Reference
from samples.other import make_bad_calls

NUMBERS = {Entity.CARD_NUMBER, Entity.US_SSN, Entity.PHONE_NUMBER, Entity.ACCOUNT_NUMBER}
MINUTES = 0.4
"""The shortest that still have long numbers in them: what is tested does not depend on their length."""

LONG_NUMBER = 6
"""Spoken digits from which on a number can be told from other words that happen to be numbers."""

SAYS = {
    "bad-not-audio": ("preprocess", ("not audio", "no audio", "format")),
    "bad-empty": ("preprocess", ("empty",)),
    "bad-truncated": ("preprocess", ("truncated",)),
    "bad-silent": ("preprocess", ("silent", "no speech", "nobody speaks")),
    "bad-spanish": ("language-id", ("language",)),
    "bad-gone": ("plan", ("no such object", "gone")),
    "bad-double": ("plan", ("recordings have the id",)),
}
"""Bad call -> the stage that must refuse it, and words of which its reason must have one."""


@dataclass(frozen=True)
class Good:
    """What must come of a good call."""

    call_id: str
    file: str
    duration_s: float
    words: int
    spoken_numbers: tuple[str, ...]
    """Long numbers of the call, as the words that were spoken."""

    @classmethod
    def of(cls, reference: Reference) -> Good:
        """Reduce a generated call's reference to what the tests compare."""
        said = tuple(
            " ".join(word.text for word in reference.turns[pii.turn].words[pii.words_from : pii.words_to])
            for pii in reference.pii
            if pii.entity in NUMBERS
        )
        return cls(
            call_id=reference.call_id,
            file=reference.file,
            duration_s=reference.duration_s,
            words=sum(len(turn.words) for turn in reference.turns),
            spoken_numbers=tuple(text for text in said if len(text.split()) >= LONG_NUMBER),
        )


@dataclass(frozen=True)
class Recordings:
    """The calls as they lie in a folder."""

    folder: Path
    good: tuple[Good, ...]
    kill: tuple[Good, ...]


@dataclass(frozen=True)
class Calls(Recordings):
    """Where the recordings lie in the data bucket, and what must come of them."""

    bucket: str
    output: str = "e2e/transcripts"
    bad: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=lambda: dict(SAYS))
    bad_prefix: str = "e2e/calls/bad/"
    kill_prefix: str = "e2e/calls/kill/"

    @property
    def conf(self) -> dict[str, Any]:
        """Params of a run over all of them; small batches, so that several go through at once."""
        names = [f"e2e/calls/good/{each.file}" for each in self.good]
        names += [f"{self.bad_prefix}{name}.wav" for name in self.bad]
        return {
            "calls": [
                f"s3://{self.bucket}/{name}" for name in [*names, "e2e/calls/bad/again/bad-double.wav"]
            ],
            "output": self.output,
            "batch_size": 7,
            "max_failure_share": 0.6,
        }

    def replace_audio(self, stack: Environment, call: Good, by: Good) -> None:
        """Put another recording under a call's key."""
        path = self.folder / "good" / by.file
        stack.s3.upload_file(str(path), self.bucket, f"e2e/calls/good/{call.file}")


def generate_calls(folder: Path) -> Recordings:
    """Speak the calls, and spoil some."""
    good = make_calls(folder / "good", seed=11, kinds=tuple(KINDS), minutes=MINUTES)
    make_bad_calls(folder / "bad")
    double = (folder / "good" / good[0].file).read_bytes()
    for name in ("bad/bad-double.wav", "bad/again/bad-double.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(double)
    kill = [
        make_call(folder / "kill", kind, 31 + place, MINUTES) for place, kind in enumerate(("opus", "wav"))
    ]
    return Recordings(folder, tuple(map(Good.of, good)), tuple(map(Good.of, kill)))


def upload_calls(stack: Environment, made: Recordings) -> Calls:
    """Put the calls into the data bucket."""
    for path in sorted(made.folder.rglob("*")):
        if path.is_file() and path.suffix != ".json":
            stack.s3.upload_file(str(path), stack.data_bucket, f"e2e/calls/{path.relative_to(made.folder)}")
    return Calls(made.folder, made.good, made.kill, bucket=stack.data_bucket)
