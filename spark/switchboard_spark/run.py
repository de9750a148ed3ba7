"""`python -m switchboard_spark.run`: the driver. Calls an application's function and says how it ended.

It says so in its exit code and in the container's termination message (`model.Ending`). In a task's pod
executors are watched meanwhile; anywhere else the application runs in a local session.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from switchboard_spark import application, preflight, session, verdicts
from switchboard_spark.application import PermanentError, UsageError
from switchboard_spark.background import in_background
from switchboard_spark.first import first_executor
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError
from switchboard_spark.message import TERMINATION_LOG, write_message
from switchboard_spark.model import (
    EXIT_INFRASTRUCTURE,
    EXIT_OK,
    TASK_VARIABLE,
    SparkTask,
    Success,
    Verdict,
)
from switchboard_spark.pods import PodIdentity
from switchboard_spark.recorder import Recorder
from switchboard_spark.session import SessionError, preparation, running_context, spark_session
from switchboard_spark.verdicts import Judgement
from switchboard_spark.watch import Watcher

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger("switchboard.spark")

TERMINATED_S = 8.0
"""From SIGTERM to when a record's last second begins: a deleted pod has ten (`operator.GRACE_S`) for all."""

STOP_S, TERMINATED_STOP_S = 10.0, 4.0
"""How long Spark may take to stop."""

UNWIND_S = 2.0
"""How long an application has to come to its end once Spark has stopped."""

REMOVE_S = 3.0
"""How long the API server may take to remove executors; Kubernetes does it after this pod in any case."""

JAVA_END_S = 2.0
TAILS = 5
"""Most logs of dead executors that are shown; the last ones."""

DONE: Future[None] = Future()
DONE.set_result(None)

EXIT_TERMINATED = 128 + signal.SIGTERM
STOPPED = Judgement(
    Verdict(
        kind="infrastructure",
        reason="the driver was asked to stop (SIGTERM): its task was ended, or its pod evicted",
        remedy="nothing, if it is tried again",
    ),
    EXIT_TERMINATED,
)


class Ended(NamedTuple):
    """How an application ended."""

    ending: Success | Verdict
    exit_code: int


class Driver:
    """One application, from its start to its termination message."""

    def __init__(self, environment: Mapping[str, str], termination_log: Path = TERMINATION_LOG) -> None:
        self._environment, self._termination_log = environment, termination_log
        text = environment.get(TASK_VARIABLE)
        self._task = SparkTask.model_validate_json(text) if text else None
        self._pod = PodIdentity.of(environment) if text else None
        self._watcher = self._make_watcher()
        self._recorder = Recorder(self._task, lambda: self._deadline is not None)
        self._asked: Future[None] = DONE
        """The first executor's being made."""
        self._over = threading.Event()
        """No executor is to be made any more."""
        self._deadline: float | None = None
        """By when a driver that was asked to stop has to be at its end, on the monotonic clock."""
        self._judgement: Judgement | None = None
        self._finishing = threading.Lock()
        """Whoever has it says how the application ended, and nobody else does."""
        self._coming_to_its_end = threading.Event()

    def _make_watcher(self) -> Watcher | None:
        if self._task is None or self._pod is None:
            return None
        limit_s = self._task.unschedulable_seconds
        api = Api(self._pod.namespace)
        return Watcher(api, self._task, self._pod, has_jobs, self.give_up, limit_s)

    def run(self, words: Sequence[str] | None) -> int:
        """Run the application; gives the exit status."""
        signal.signal(signal.SIGTERM, self._terminate)
        try:
            ended = self._call(words)
        except BaseException as error:  # noqa: BLE001  SystemExit of an application included
            ended = self._failed(error)
        return self._finish(ended)

    def _call(self, words: Sequence[str] | None) -> Ended:
        self._prepare(session.begin(self._environment))
        call = application.read(words)
        self._recorder.application = call.name
        if self._watcher:
            self._watcher.start()
        log.info("calling %s", call.name)
        result = call(self._session)
        if self._judgement:  # it took what went wrong then for something else, and went on without
            return Ended(*self._judgement)
        return Ended(application.as_success(result), EXIT_OK)

    def _session(self) -> SparkSession:
        session = spark_session()
        self._recorder.load()
        return session

    def _prepare(self, conf: Mapping[str, str]) -> None:
        """See to what a session needs, while Java starts and the application is imported."""
        if not (self._task and self._pod):
            return
        api = Api(self._pod.namespace)
        executor = first_executor(self._task, self._pod, conf, session.shared_secret())
        over = self._over
        self._asked = in_background(lambda: preflight.make_executor(api, executor, over), "first executor")
        preparation.finish = self._asked.result

    def _terminate(self, *_: object) -> None:
        """On SIGTERM. No exception is raised here: the thread's next call of Java would wait for the last."""
        self._deadline = (
            self._deadline or time.monotonic() + TERMINATED_S
        )  # also of one that is ending already
        threading.Thread(target=self.give_up, args=(STOPPED,), name="terminate", daemon=True).start()

    def give_up(self, judgement: Judgement) -> None:
        """End the application from outside of it, in another thread. Spark is stopped, so that all its calls
        fail; an application that does not come to its end by that is ended with the process.
        """
        if self._finishing.locked():
            return
        self._judgement = judgement
        self._over.set()
        log.error("giving up: %s", judgement.verdict.reason)
        if judgement is STOPPED:
            self._deadline = self._deadline or time.monotonic() + TERMINATED_S
            # The API server is quicker than Spark, and there is little time.
            self._remove_executors()
        self._recorder.observe()
        stop_spark(self._left(TERMINATED_STOP_S if judgement is STOPPED else STOP_S))
        if self._coming_to_its_end.wait(self._left(UNWIND_S)):
            return
        if self._finishing.acquire(blocking=False):
            leave(self._conclude(Ended(*judgement)))

    def _failed(self, error: BaseException) -> Ended:
        """What an exception means. Where the application was given up, that is why there is one."""
        if self._judgement:
            return Ended(*self._judgement)
        if isinstance(error, UsageError | PermanentError):
            verdict = Verdict(kind=error.kind, reason=error.reason, remedy=error.remedy)
            return Ended(verdict, error.exit_code)
        if isinstance(error, preflight.RefusedError):
            return Ended(*error.judgement)
        traceback.print_exception(error)
        java = java_exit_code(error)
        if java is not None:
            return Ended(*verdicts.java_ended(java, self._task))
        if isinstance(error, SessionError):
            reason = str(error).splitlines()[0]
            verdict = Verdict(
                kind="infrastructure", reason=reason, remedy="the traceback is in the task's log"
            )
            return Ended(verdict, EXIT_INFRASTRUCTURE)
        deaths = self._watcher.observer.deaths if self._watcher else []
        return Ended(*verdicts.of_error(error, deaths, self._task))

    def _finish(self, ended: Ended) -> int:
        self._coming_to_its_end.set()
        self._finishing.acquire()
        self._over.set()
        self._recorder.observe()
        stop_spark(self._left(STOP_S))
        return self._conclude(ended)

    def _left(self, limit_s: float) -> float:
        """For how many seconds something may be waited for that may take as long as `limit_s`."""
        if self._deadline is None:
            return limit_s
        return max(0.0, min(limit_s, self._deadline - time.monotonic()))

    def _conclude(self, ended: Ended) -> int:
        """Say how it ended, and leave nothing."""
        if self._watcher:
            self._watcher.stop()
        self._recorder.write(*ended)
        self._remove_executors()
        if isinstance(ended.ending, Verdict):
            for death in self._watcher.observer.deaths[-TAILS:] if self._watcher else []:
                log.error("executor %s. The end of its log:\n%s", death, death.tail or "(nothing)")
            log.error("%s: %s\nRemedy: %s", ended.ending.kind, ended.ending.reason, ended.ending.remedy)
        else:
            log.info("ended well")
        write_message(ended.ending, self._termination_log)
        self._recorder.finish()
        return ended.exit_code

    def _remove_executors(self) -> None:
        """Remove what Spark left: all of them where it did not stop, none where it did."""
        if self._watcher is None:
            return
        selector, api = self._watcher.selector, self._watcher.api
        wait([self._asked], self._left(REMOVE_S))  # else it would be made a moment later
        removing = in_background(lambda: api.delete_pods(selector), "remove")
        try:
            removing.result(self._left(REMOVE_S))
        except (ApiError, ApiUnreachableError, TimeoutError) as error:
            log.warning("executors are left to Kubernetes, which removes them after this pod: %s", error)


def has_jobs() -> bool:
    """Whether a job runs, and so wants executors."""
    context = running_context()
    try:
        return context is not None and bool(context.statusTracker().getActiveJobsIds())
    except AttributeError:  # it is just being made
        return False


def java_exit_code(error: BaseException) -> int | None:
    """What Java ended with, if it did, after this error."""
    if preparation.java is None:
        return None
    process = preparation.java.process
    if isinstance(error, OSError) or type(error).__name__ == "Py4JNetworkError":
        with suppress(subprocess.TimeoutExpired):
            process.wait(JAVA_END_S)  # the connection is gone a moment before the process is
    return process.poll()


def stop_spark(limit_s: float) -> bool:
    """Stop Spark, for as long as that may take; gives whether it did."""
    if "pyspark" not in sys.modules:
        return True
    context = running_context()
    if context is None:
        return True
    # It can hang, or fail where Java is gone.
    return not wait([in_background(context.stop, "stop")], limit_s).not_done


def leave(exit_code: int) -> Any:
    """End the process, whatever threads there are. Java ends with it, since it reads from a pipe of ours."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(exit_code)


def main() -> None:
    """The command."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    for library in ("py4j", "botocore", "boto3"):
        logging.getLogger(library).setLevel(logging.WARNING)
    leave(Driver(os.environ).run(None))


if __name__ == "__main__":
    main()
