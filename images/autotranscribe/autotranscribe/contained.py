"""Work on a call in a process of its own: a decoder or a recogniser that crashes ends that one and no other.

Only where Spark tries a task again: most work never needs it, and a fork and its own connections to the store
cost about half a second.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Generic, NamedTuple, TypeVar

from autotranscribe.notes import STAGES, noted
from switchboard_stage.calls import Failure, since

T = TypeVar("T")

THREADED = "faster_whisper"
"""This engine has threads of its own, which a forked process lacks: it would wait for them for ever."""


class Answer(NamedTuple, Generic[T]):
    """What came of the work (nothing, where it raised an error), and what it logged."""

    results: list[T]
    log: list[str]


def again() -> bool:
    """Whether Spark tries this task again, in a process that can be forked."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return context is not None and context.attemptNumber() > 0 and THREADED not in sys.modules


def contained(stage: str, work: Callable[[], T], killed: Callable[[Failure, float], T]) -> T:
    """What `work` gives; where it kills the process that does it, what `killed` makes of that and the seconds
    until then. Raises what `work` raises. Models are to be loaded before, and connections opened within.
    """
    if not again():
        return work()
    clock = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:  # who is killed does not tidy up
        answer = forked(work, scratch)
    if isinstance(answer, int):
        return killed(failure(stage, answer), since(clock))
    for text in answer.log:
        STAGES.error("%s", text)
    # Not every error can be pickled: the work is done once more, and raises it here.
    return answer.results[0] if answer.results else work()


def forked(work: Callable[[], T], scratch: str) -> Answer[T] | int:
    """What came of work in another process; its exit code, where it ended without an answer."""
    forking = multiprocessing.get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    process = forking.Process(target=answer_with, args=(sender, work, scratch))
    process.start()
    sender.close()
    answer: Answer[T] | None = None
    with receiver, suppress(EOFError, OSError):  # it ended before the answer, or within it
        answer = receiver.recv()
    process.join()
    return answer or process.exitcode or 0


def answer_with(sender: Connection, work: Callable[[], T], scratch: str) -> None:
    """The other process."""
    tempfile.tempdir = scratch
    results: list[T] = []
    with noted() as log:
        try:
            results.append(work())
        except Exception:  # noqa: BLE001  whatever it is, it is raised where the work is done once more
            log.clear()
    sender.send(Answer(results, log))


def failure(stage: str, code: int) -> Failure:
    """Why a call has no result whose process ended with that exit code (of a signal: negative)."""
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    remedy = "report the recording, on which native code crashes; the other calls are not affected"
    if -code == signal.SIGKILL:
        remedy = "most likely memory was short: choose a larger `size` for the task, or report the recording"
    return Failure(f"the process that worked on it in {stage} {how}", remedy)
