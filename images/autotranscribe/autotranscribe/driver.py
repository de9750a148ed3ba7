"""What the driver does: reads the run's batches, has executors work on their calls, accounts for them."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from autotranscribe import work as executor
from autotranscribe.packing import pack
from autotranscribe.work import SPLIT, STAGES, Finished, Piece, Prepared, Work, as_params
from switchboard_spark import units
from switchboard_spark.application import UsageError
from switchboard_stage.layout import join
from switchboard_stage.models import Batch, Call
from switchboard_stage.runner import describe, make_report, put_rejected, put_report, read_batch
from switchboard_stage.stores import Stores

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext
    from pyspark.sql import SparkSession

T = TypeVar("T")

LANES = 8
"""Groups of calls on their way at once: while the last calls of one are prepared, executors that have nothing
more to do there recognise what another has ready.
"""

GROUP_BYTES = 256 * 2**20
"""Recordings of a group, if there are more than `LANES` of them. It bounds what the driver has to remember:
about a kilobyte for each chunk of half a minute.
"""

TASKS_PER_SLOT = 8
"""Tasks of a job for each core that there may be: with many, the last ones to end are short."""

REQUESTS = 16
"""Of the driver to the object store at once: one after the other, a hundred of them take a second."""

TRANSCRIBER = "postprocess"
STARTED_WRONGLY = re.compile(r"^switchboard_stage\.errors\.UsageError: (.*)$", re.MULTILINE)
"""In the words of an error that comes from an executor."""

log = logging.getLogger("switchboard.transcribe")


class PendingError(RuntimeError):
    """Another run is at some of the calls: they have neither a result nor an error record. Try again."""


def run(
    folder: str,
    run_id: str,
    output: str,
    params: dict[str, Any],
    images: dict[str, str],
    spark: SparkSession,
) -> dict[str, float]:
    """Transcribe the calls that a run planned; leaves what the stages' pods would have left.

    Parameters
    ----------
    folder, run_id
        URI of the run's folder, with its batches in it; its name.
    output
        URI of the folder with a folder for each call.
    params
        One object for all stages.
    images
        Image of every stage by digest: whose results these are.

    Returns
    -------
    Counts of calls, and the seconds of audio that were recognised now.

    Raises
    ------
    UsageError
        An image is missing, a batch cannot be read, or a stage refuses its parameters.
    PendingError
        Another run is at some of the calls; all others are through, and batches of these alone are reported.
    """
    if missing := [name for name in STAGES if name not in images]:
        raise UsageError(f"images: {sorted(images)} lacks {missing}", "name the image of every stage")
    work = Work(run_id, output.rstrip("/"), as_params(params), images)
    stores, started_at = Stores(), datetime.now(UTC)
    with start_errors_told():
        batches = read_batches(stores, folder)
        for batch in batches:
            put_rejected(stores(work.output), work.output, batch)
        calls = [call for batch in batches for call in batch.calls]
        finished = transcribe_all(spark.sparkContext, work, calls)
    pending = {call_id: each.pending for call_id, each in finished.items() if each.pending}
    whole = [batch for batch in batches if pending.keys().isdisjoint(call.call_id for call in batch.calls)]
    with ThreadPoolExecutor(REQUESTS) as writers:
        list(writers.map(lambda batch: report(stores, folder, work, batch, finished, started_at), whole))
    if pending:
        first = next(iter(pending.values()))
        raise PendingError(f"{len(pending)} of {len(calls)} calls are another run's now, the first: {first}")
    return counted(summary(finished.values()))


def counted(told: dict[str, float]) -> dict[str, float]:
    """A summary, once the run's record has its seconds of audio: sizes are compared by them."""
    units.count(audio_seconds=told["audio_s"])
    return told


def read_batches(stores: Stores, folder: str) -> list[Batch]:
    """The run's batches, in their order."""
    store = stores(folder)
    uris = [found.uri for found in store.list(join(folder, "batches") + "/")]
    with ThreadPoolExecutor(REQUESTS) as readers:
        return list(readers.map(partial(read_batch, store), uris))


def transcribe_all(context: SparkContext, work: Work, calls: Sequence[Call]) -> dict[str, Finished]:
    """What became of every call, by its id. What fails and is no call's fault is raised at the end."""
    bins = TASKS_PER_SLOT * slots(context)
    groups = grouped(calls)
    log.info("%d calls in %d groups, at most %d tasks each", len(calls), len(groups), bins)
    with ThreadPoolExecutor(LANES) as lanes:
        found = lanes.map(lambda group: transcribe(context, work, group, bins), groups)
        return {each.call.call_id: each for group in found for each in group}


def grouped(calls: Sequence[Call]) -> list[list[Call]]:
    """Groups of about the same size in bytes, long calls first in each."""
    sizes = [call.size_bytes for call in calls]
    count = max(LANES, math.ceil(sum(sizes) / GROUP_BYTES))
    return [[calls[position] for position in bin_] for bin_ in pack(sizes, count)]


def transcribe(context: SparkContext, work: Work, calls: Sequence[Call], bins: int) -> list[Finished]:
    """What became of each call of a group. Words travel from executor to executor, not through the driver."""
    sizes = [call.size_bytes for call in calls]
    context.setJobDescription(f"prepare {len(calls)} calls")
    prepared = spread(context, calls, sizes, bins).map(partial(executor.prepare, work)).collect()
    pieces = [piece for each in prepared for piece in pieces_of(each)]
    heard = spread(context, pieces, [piece.part.seconds for piece in pieces], bins).map(
        partial(executor.recognise, work)
    )
    seconds = [audio_s(each) for each in prepared]
    place = {
        prepared[position].so_far.call.call_id: number
        for number, bin_ in enumerate(pack(seconds, bins))
        for position in bin_
    }
    context.setJobDescription(f"recognise {len(pieces)} chunks, finish {len(calls)} calls")
    seeds = context.parallelize([(each.so_far.call.call_id, each) for each in prepared], 1)
    finished: list[Finished] = (
        seeds.union(heard)
        .groupByKey(len(set(place.values())), lambda call_id: place[call_id])
        .map(lambda found: executor.finish(work, found[1]))
        .collect()
    )
    for each in finished:
        for text in each.log:
            log.error(text)
        for stage, outcome in each.outcomes.items():
            log.info("%s: %s", stage, describe(outcome))
    return finished


def spread(context: SparkContext, things: Sequence[T], weights: Sequence[float], bins: int) -> RDD[T]:
    """Things in partitions of about the same weight, the heaviest first."""
    packed = [[things[position] for position in bin_] for bin_ in pack(weights, bins)]
    return context.parallelize(packed, max(1, len(packed))).flatMap(lambda bin_: bin_)


def slots(context: SparkContext) -> int:
    """Tasks that run at once when all executors are there that may be."""
    conf = context.getConf()
    executors = conf.get("spark.dynamicAllocation.maxExecutors") or conf.get("spark.executor.instances")
    if executors is None:
        return int(context.defaultParallelism)
    return int(executors) * int(conf.get("spark.executor.cores", "1"))


def pieces_of(prepared: Prepared) -> Iterator[Piece]:
    """The parts of a call that are to be worked on."""
    if prepared.split:
        for number, part in enumerate(prepared.split.parts):
            yield Piece(prepared.so_far.call, number, part)


def audio_s(prepared: Prepared) -> float:
    """Length of a call's audio, as far as it is known."""
    return max((outcome.audio_s for outcome in prepared.so_far.outcomes.values()), default=0.0)


@contextmanager
def start_errors_told() -> Iterator[None]:
    """Tell a stage's `UsageError`, from wherever it comes, so that the task is not tried again for it."""
    try:
        yield
    except Exception as error:
        found = STARTED_WRONGLY.search(f"{type(error).__module__}.{type(error).__name__}: {error}")
        if found is None:
            raise
        raise UsageError(found[1], "correct the run's params, and start it again") from error


def report(
    stores: Stores,
    folder: str,
    work: Work,
    batch: Batch,
    finished: Mapping[str, Finished],
    started_at: datetime,
) -> None:
    """Leave the account of every stage on a batch. Its seconds are those of its calls, added up."""
    for stage in STAGES:
        outcomes = [finished[call.call_id].outcomes[stage] for call in batch.calls]
        seconds = round(sum(outcome.seconds for outcome in outcomes), 3)
        account = make_report(
            stage, work.run(stage), batch.index, outcomes, started_at=started_at, seconds=seconds
        )
        put_report(stores(folder), folder, account)


def summary(finished: Iterable[Finished]) -> dict[str, float]:
    """Counts of calls, and the seconds of audio that were recognised now."""
    every = list(finished)
    ended = Counter(each.outcomes[TRANSCRIBER].outcome for each in every)
    heard = [each.outcomes[SPLIT] for each in every]
    return {
        "calls": len(every),
        "transcribed": ended["done"],
        "unchanged": ended["unchanged"],
        "failed": ended["failed"] + ended["set-aside"],
        "audio_s": round(sum(each.audio_s for each in heard if each.outcome == "done"), 1),
    }
