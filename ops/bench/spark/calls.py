"""Generated calls of very different lengths, in the object store while a benchmark needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from infra.shared.paths import REPOSITORY
from ops.bench.spark.objects import remove
from ops.environment import Environment
from samples import Recording, Reference, make_dialogue, record

FOLDER = REPOSITORY / ".build/bench-calls"
PREFIX = "bench/"
"""Of everything in the data bucket that a benchmark of transcription leaves there for a while."""

LENGTHS = (0.35, 0.35, 0.35, 0.7, 0.35, 1.5, 0.35, 4.0, 0.7)
"""Minutes aimed at, over and over: most calls are short, and a few have much of the audio."""

FIRST_SEED = 7000


class Heard(NamedTuple):
    """A call and where its recording lies."""

    call_id: str
    uri: str
    etag: str
    size_bytes: int
    duration_s: float

    def as_call(self) -> dict[str, Any]:
        """As stages read it (`Call` of the package switchboard_stage)."""
        told = self._asdict()
        del told["duration_s"]
        return told


def make(minutes: float, folder: Path = FOLDER) -> list[Reference]:
    """Calls of `minutes` in all at least, as telephony records them; those that are there are kept."""
    made: list[Reference] = []
    for number, aim in enumerate(cycle(LENGTHS)):
        if sum(each.duration_s for each in made) >= 60 * minutes:
            return made
        made.append(_one(folder, FIRST_SEED + number, aim))
    raise AssertionError  # `cycle` has no end


def _one(folder: Path, seed: int, minutes: float) -> Reference:
    call_id = f"bench-{seed}-{60 * minutes:.0f}"
    told = folder / f"{call_id}.reference.json"
    if told.exists():
        reference = Reference.model_validate_json(told.read_text())
        if (folder / reference.file).exists():
            return reference
    return record(make_dialogue(seed, minutes, call_id=call_id), folder, Recording("mulaw"))


@contextmanager
def uploaded(environment: Environment, minutes: float) -> Iterator[list[Heard]]:
    """The calls in the data bucket; at the end they are gone, with all that is below `PREFIX`."""
    bucket = environment.data_bucket
    try:
        yield [_upload(environment, reference) for reference in make(minutes)]
    finally:
        remove(environment, bucket, PREFIX)


def _upload(environment: Environment, reference: Reference) -> Heard:
    key = f"{PREFIX}calls/{reference.file}"
    with (FOLDER / reference.file).open("rb") as body:
        put = environment.s3.put_object(Bucket=environment.data_bucket, Key=key, Body=body)
    uri = f"s3://{environment.data_bucket}/{key}"
    size = (FOLDER / reference.file).stat().st_size
    return Heard(reference.call_id, uri, str(put["ETag"]).strip('"'), size, reference.duration_s)
