"""Why an application does not come to its end: pods, Kubernetes' words, errors in; verdicts out. No calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    SparkTask,
    Verdict,
    more_memory,
)
from switchboard_spark.quotas import never_fits
from switchboard_spark.troubles import Trouble, containers, is_true

Object = dict[str, Any]

HEAP_FULL = 52
"""What Spark's executors end with when their heap is full."""

JAVA_FULL = 3
"""What Java ends with when its heap is full and it was told to end then, as drivers are."""

GIST = 500
"""Most characters of an exception that go into a reason."""

CLUSTERS_DOING = "DisruptionTarget"
"""The condition that Kubernetes gives a pod that it evicts, preempts or loses with its node."""

OWN_FAULT = re.compile(r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit")
"""In the words of an eviction for what the pod itself used, not for what its node lacked."""

LOST_EXECUTOR = re.compile(r"ExecutorLostFailure|FetchFailed|MaxExecutorFailures|max number of executor")
NO_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError|OOMKilled")
KILLED_WORKER = re.compile(
    r"Python worker exited unexpectedly \(crashed\)(?!.*Fatal Python error)", re.DOTALL
)
"""A Python worker that was killed, and did not crash: the kernel takes it alone where control groups are of
version 1, and its whole container elsewhere.
"""

NO_ANSWER = re.compile(
    r"java\.net\.(?:Connect|UnknownHost|NoRouteToHost)Exception|AWSApiCallTimeoutException"
    r"|AWSNoResponseException|AWSServiceThrottledException|AWSStatus5\d\dException|StoreError"
    r"|An error occurred \((?:SlowDown|ServiceUnavailable|InternalError|50\d)\)"
)
"""In the words of an error that is a service's, the object store's above all; stages' and boto3's at last."""

AWAY = frozenset(
    {
        "builtins.ConnectionRefusedError",
        "builtins.ConnectionResetError",
        "socket.gaierror",
        "psycopg.OperationalError",
        "botocore.exceptions.ConnectionError",
        "botocore.exceptions.HTTPClientError",
    }
)
"""What libraries raise, these or classes of them, where an application's code does not reach a service."""

PENDING = re.compile(r"\b(?:Upstream)?PendingError\b")
"""In the words of an error that is no failure: another run is at work on the same; it is a stage's."""

SEE_LOGS = "the ends of their logs stand in the task's log"
LESS_TO_DRIVER = "bring less to the driver (collect, toPandas, broadcasts)"
MAY_PULL = "may its nodes pull it? See to the registry's credentials; it is tried again"


class Judgement(NamedTuple):
    """A verdict, and the exit code that says whether Airflow may try again."""

    verdict: Verdict
    exit_code: int


@dataclass(frozen=True)
class Death:
    """How an executor ended that should not have."""

    pod: str
    reason: str
    exit_code: int | None
    message: str
    """Kubernetes' own words, where it has some."""
    tail: str
    """The end of its log."""
    by_cluster: bool
    """Evicted, preempted, deleted, lost with its node: nothing that the application did."""

    @property
    def no_memory(self) -> bool:
        """Whether a larger size is what it wants."""
        return self.reason in ("OOMKilled", "OutOfMemoryError")

    def __str__(self) -> str:
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        return f"{self.pod}: {self.reason}{code}{': ' if self.message else ''}{self.message}"


def death_of(pod: Object) -> Death | None:
    """How an executor died; None for one that lives or ended well."""
    status = pod["status"]
    if status.get("phase") != "Failed":
        return None
    ends = [each["state"]["terminated"] for each in containers(pod) if "terminated" in each.get("state", {})]
    end: Object = next((each for each in ends if each.get("exitCode")), {})
    code = end.get("exitCode")
    reason = status.get("reason") or end.get("reason") or "Failed"
    if code == HEAP_FULL:
        reason = "OutOfMemoryError"
    message = str(status.get("message") or "")
    memory = reason in ("OOMKilled", "OutOfMemoryError")
    return Death(
        pod=pod["metadata"]["name"],
        reason=reason,
        exit_code=code,
        message=message,
        tail=str(end.get("message") or "").rstrip(),
        by_cluster=_taken_away(pod) and not memory and not OWN_FAULT.search(message),
    )


def _taken_away(pod: Object) -> bool:
    """Whether something else than its own processes ended a pod."""
    return bool(pod["status"].get("reason")) or _deleted_alive(pod) or is_true(pod, CLUSTERS_DOING)


def _deleted_alive(pod: Object) -> bool:
    """Whether its removal was asked for before it ended. Spark removes executors that are dead already."""
    about = pod["metadata"]
    if "deletionTimestamp" not in about:
        return False
    grace = timedelta(seconds=about.get("deletionGracePeriodSeconds") or 0)
    asked = datetime.fromisoformat(about["deletionTimestamp"]) - grace
    ends = [each["state"].get("terminated", {}).get("finishedAt") for each in containers(pod)]
    return not ends or any(not end or datetime.fromisoformat(end) > asked for end in ends)


def dying(row: Sequence[Death], task: SparkTask) -> Judgement:
    """Executors died one after the other, and nothing says that the next would not."""
    full = sum(death.no_memory for death in row)
    if full:
        reason = f"{len(row)} executors in a row died, {full} of them for want of memory ({row[-1]})"
        return Judgement(no_memory(reason, task), EXIT_APPLICATION)
    last = row[-1].tail.rpartition("\n")[2]
    reason = f"{len(row)} executors in a row died, the last: {row[-1]}{': ' if last else ''}{last}"
    return Judgement(Verdict(kind="application", reason=reason, remedy=SEE_LOGS), EXIT_APPLICATION)


def no_memory(reason: str, task: SparkTask) -> Verdict:
    """A verdict that names the size to choose instead."""
    size = task.size
    own = f"size {task.size_name!r} gives an executor {size.executor_memory_mib} MiB"
    fewer = "give each partition less to hold (repartition, fewer executor cores)"
    remedy = more_memory(task.larger_size, "a task", fewer)
    return Verdict(kind="application", reason=f"{reason}; {own}", remedy=remedy)


def not_starting(trouble: Trouble, waited_s: float, task: SparkTask) -> Judgement:
    """No executor runs, and those that there are do not start."""
    if trouble.kind == "refused":
        remedy = f"is {task.image} in the registry? `make images` pushes it"
        return _infrastructure(f"the executors' image: {trouble.message}", remedy, EXIT_PERMANENT)
    if trouble.kind == "denied":
        reason = f"no executor got its image in {waited_s:.0f} s: {trouble.message}"
        return _infrastructure(reason, MAY_PULL, EXIT_INFRASTRUCTURE)
    if trouble.kind == "unschedulable":
        remedy = "wait for others to end, choose a smaller size, or add nodes to its pool"
        reason = f"no executor found a node in {waited_s:.0f} s: {trouble.message}"
        return _infrastructure(reason, remedy, EXIT_INFRASTRUCTURE)
    remedy = "nothing, if it goes away by itself; else the words are Kubernetes' own"
    reason = f"no executor started in {waited_s:.0f} s: {trouble.message}"
    return _infrastructure(reason, remedy, EXIT_INFRASTRUCTURE)


def refusal(status: int, message: str) -> Judgement:
    """The API server does not take executors' pods."""
    if "exceeded quota" in message:
        if never_fits(message):
            remedy = "choose a smaller size, or have the quota raised in the platform's settings"
            return _infrastructure(message, remedy, EXIT_PERMANENT)
        remedy = "wait for others to end: the Airflow pool should have no more slots than the quota has room"
        return _infrastructure(message, remedy, EXIT_INFRASTRUCTURE)
    if status in (400, 403, 404, 422):
        remedy = "the platform takes no such pods: are its settings and this image of one version?"
        return Judgement(Verdict(kind="usage", reason=message, remedy=remedy), EXIT_PERMANENT)
    return _infrastructure(message, "is the Kubernetes API well?", EXIT_INFRASTRUCTURE)


def of_error(error: BaseException, deaths: Sequence[Death], task: SparkTask | None) -> Judgement:
    """What an exception of the application means, with what is known of its executors."""
    words, what = f"{type(error).__name__}: {error}", gist(error)
    own = [death for death in deaths if not death.by_cluster]
    lost = LOST_EXECUTOR.search(words)
    if task and KILLED_WORKER.search(words):
        reason = "a Python worker was killed, most likely because its executor's memory was used up"
        return Judgement(no_memory(reason, task), EXIT_APPLICATION)
    if task and (NO_MEMORY.search(words) or (lost and any(death.no_memory for death in own))):
        died = next((f"; {death}" for death in reversed(own) if death.no_memory), "")
        return Judgement(no_memory(f"memory is used up: {what}{died}", task), EXIT_APPLICATION)
    if lost and own:
        reason = f"executors died, the last: {own[-1]}; {what}"
        return Judgement(Verdict(kind="application", reason=reason, remedy=SEE_LOGS), EXIT_APPLICATION)
    if lost and deaths:
        reason = f"executors were taken away: {deaths[-1]}; {what}"
        return _infrastructure(reason, "nothing, if it is tried again", EXIT_INFRASTRUCTURE)
    if waited_for := _not_its_fault(error, words, what):
        return waited_for
    remedy = "the traceback is in the task's log"
    return Judgement(Verdict(kind="application", reason=what, remedy=remedy), EXIT_APPLICATION)


def _not_its_fault(error: BaseException, words: str, what: str) -> Judgement | None:
    """What an exception means that comes from somebody else; None where it does not."""
    if PENDING.search(words):
        reason = f"another run is at work on some of the same: {what}"
        remedy = "nothing: it is tried again, and goes on with what the other run has left by then"
        return _infrastructure(reason, remedy, EXIT_INFRASTRUCTURE)
    if silent := silence(error):
        reason = f"a service did not answer ({silent}): {what}"
        return _infrastructure(reason, "is it well? The task is tried again", EXIT_INFRASTRUCTURE)
    return None


def silence(error: BaseException) -> str | None:
    """By what an exception tells that a service is away: a class among its causes, or words; None if by none.

    What an exception was raised in the place of counts as its cause, also where it hides that (`from None`).
    """
    found: BaseException | None = error
    seen: list[BaseException] = []
    while found and found not in seen:
        names = (f"{each.__module__}.{each.__qualname__}" for each in type(found).__mro__)
        if name := next((name for name in names if name in AWAY), None):
            return name
        seen.append(found)
        found = found.__cause__ or found.__context__
    words = NO_ANSWER.search(f"{type(error).__name__}: {error}")
    return words[0] if words else None


def gist(error: BaseException) -> str:
    """One line of an exception that says what went wrong; Java's and Python workers' have hundreds."""
    lines = str(error).strip().splitlines() or [""]
    found = lines[0]
    for number, line in enumerate(lines):
        if line.startswith(": "):  # py4j: the exception in Java
            found = line.removeprefix(": ")
            break
        if line.startswith("Traceback "):  # in a Python worker; its last line is not indented
            found = next((each for each in lines[number + 1 :] if each and not each[0].isspace()), found)
            break
    return f"{type(error).__name__}: {found}"[:GIST]


def java_ended(exit_code: int, task: SparkTask | None) -> Judgement:
    """The driver's Java is gone, in the middle of everything."""
    full = {JAVA_FULL: "its heap was full", -9: "the container's memory was used up, or somebody killed it"}
    reason = f"the driver's Java ended: {full.get(exit_code, f'exit code {exit_code}')}"
    if exit_code not in full or task is None:
        remedy = "what it said last is in the task's log"
        return Judgement(Verdict(kind="application", reason=reason, remedy=remedy), EXIT_APPLICATION)
    remedy = more_memory(task.larger_driver_size, "a driver", LESS_TO_DRIVER)
    reason = f"{reason}; size {task.size_name!r} gives the driver {task.size.driver_memory_mib} MiB"
    return Judgement(Verdict(kind="application", reason=reason, remedy=remedy), EXIT_APPLICATION)


def unreachable(message: str) -> Judgement:
    """The API server does not answer."""
    return _infrastructure(message, "is the Kubernetes API well? It is tried again", EXIT_INFRASTRUCTURE)


def _infrastructure(reason: str, remedy: str, exit_code: int) -> Judgement:
    return Judgement(Verdict(kind="infrastructure", reason=reason, remedy=remedy), exit_code)
