"""What is made of Kubernetes' words and of exceptions."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard_spark.model import (
    EXIT_APPLICATION,
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    SparkTask,
)
from switchboard_spark.troubles import trouble_of
from switchboard_spark.verdicts import (
    death_of,
    dying,
    gist,
    java_ended,
    not_starting,
    of_error,
    refusal,
)
from tests.unit.spark.conftest import ended, executor, make_task, unschedulable, waiting

QUOTA = (
    'pods "spark-trial-x" is forbidden: exceeded quota: spark, requested: requests.cpu=200m,'
    "requests.memory=1Gi, used: requests.cpu=900m,requests.memory=3Gi, limited: requests.cpu=1,"
    "requests.memory={memory}"
)


class Py4JJavaError(Exception):
    """Named as py4j's own."""


def died(pod: dict[str, Any]) -> Any:
    death = death_of(pod)
    assert death is not None
    return death


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_who_lives_or_ended_well_is_not_dead(phase: str) -> None:
    assert death_of(executor(phase=phase)) is None


def test_out_of_memory_is_called_by_its_name() -> None:
    killed = died(ended(code=137, reason="OOMKilled", message="last words\n"))
    assert (killed.reason, killed.exit_code, killed.tail) == ("OOMKilled", 137, "last words")
    assert killed.no_memory
    heap = died(ended(code=52))
    assert heap.reason == "OutOfMemoryError"
    assert heap.no_memory


@pytest.mark.parametrize(
    "taken",
    [
        executor(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
        executor(phase="Failed", reason="Preempting"),
        executor(phase="Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}]),
        {
            "metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:40Z"},
            "status": {"phase": "Failed"},
        },
    ],
)
def test_who_was_taken_away_did_not_die_of_itself(taken: dict[str, Any]) -> None:
    assert died(taken).by_cluster


@pytest.mark.parametrize(
    "message",
    [
        'Usage of EmptyDir volume "spark-local-dir-1" exceeds the limit "10Gi".',
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.",
    ],
)
def test_who_filled_the_disk_is_evicted_for_its_own_fault(message: str) -> None:
    assert not died(executor(phase="Failed", reason="Evicted", message=message)).by_cluster


@pytest.mark.parametrize(("end", "taken"), [("09", False), ("10", False), ("11", True)])
def test_spark_removes_the_dead_too(end: str, taken: bool) -> None:
    """Asked for at 00:00:10, with 30 s to end."""
    pod = ended(code=137)
    pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:40Z", "deletionGracePeriodSeconds": 30}
    (container,) = pod["status"]["containerStatuses"]
    container["state"]["terminated"]["finishedAt"] = f"2026-01-01T00:00:{end}Z"
    assert died(pod).by_cluster is taken


def test_memory_that_ran_out_while_it_was_deleted_is_still_its_own() -> None:
    pod = ended(code=137, reason="OOMKilled")
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:40Z"
    assert not died(pod).by_cluster


def test_executors_that_want_memory_name_the_size_to_choose(task: SparkTask) -> None:
    judgement = dying([died(ended(number, 137, "OOMKilled")) for number in (1, 2, 3)], task)
    assert judgement.exit_code == EXIT_APPLICATION
    assert judgement.verdict.kind == "application"
    assert "OOMKilled" in judgement.verdict.reason
    assert "'small' gives an executor 1024 MiB" in judgement.verdict.reason
    assert judgement.verdict.remedy.startswith("choose size 'medium'")


def test_where_no_size_has_more_it_is_said_what_to_do() -> None:
    judgement = dying([died(ended(1, 137, "OOMKilled"))], make_task(larger_size=None))
    assert "no size gives a task more memory: add one to spark.sizes" in judgement.verdict.remedy


def test_executors_that_die_otherwise_say_their_last_words(task: SparkTask) -> None:
    judgement = dying([died(ended(4, 1, "Error", "first\nUnknownHostException: s3"))], task)
    assert "exec-4: Error (exit code 1)" in judgement.verdict.reason
    assert judgement.verdict.reason.endswith("UnknownHostException: s3")


def test_what_does_not_start_quotes_kubernetes(task: SparkTask) -> None:
    trouble = trouble_of(unschedulable())
    assert trouble is not None
    judgement = not_starting(trouble, 120, task)
    assert judgement.exit_code == EXIT_INFRASTRUCTURE
    assert "0/1 nodes are available: 1 Insufficient cpu." in judgement.verdict.reason
    refused = trouble_of(waiting("ErrImagePull", "not found"))
    assert refused is not None
    assert not_starting(refused, 0, task).exit_code == EXIT_PERMANENT
    denied = trouble_of(waiting("ErrImagePull", "401 Unauthorized"))
    assert denied is not None
    judgement = not_starting(denied, 120, task)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")
    assert "credentials" in judgement.verdict.remedy


def test_a_quota_that_others_use_up_is_tried_again_and_one_too_small_is_not() -> None:
    used = refusal(403, QUOTA.format(memory="3Gi"))
    assert (used.exit_code, used.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")
    small = refusal(403, QUOTA.format(memory="512Mi"))
    assert (small.exit_code, small.verdict.kind) == (EXIT_PERMANENT, "infrastructure")
    assert "exceeded quota: spark" in small.verdict.reason


def test_a_pod_that_the_platform_does_not_take_is_never_tried_again() -> None:
    judgement = refusal(403, 'pods "x" is forbidden: no PriorityClass with name spark-executor was found')
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_PERMANENT, "usage")
    assert refusal(500, "etcd is away").exit_code == EXIT_INFRASTRUCTURE


JAVA = """An error occurred while calling o59.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure: {cause}
\tat org.apache.spark.Scheduler(Scheduler.scala:1)
"""


def test_an_error_of_javas_is_told_in_its_own_words() -> None:
    assert gist(Py4JJavaError(JAVA.format(cause="Task failed"))) == (
        "Py4JJavaError: org.apache.spark.SparkException: Job aborted due to stage failure: Task failed"
    )


def test_an_error_of_a_workers_is_its_last_line() -> None:
    error = RuntimeError(
        'worker:\nTraceback (most recent call last):\n  File "x"\nValueError: bad\n\tat java'
    )
    assert gist(error) == "RuntimeError: ValueError: bad"
    assert gist(ValueError()) == "ValueError: "


def test_an_error_of_the_application_is_the_applications(task: SparkTask) -> None:
    judgement = of_error(KeyError("call"), [], task)
    assert judgement.exit_code == EXIT_APPLICATION
    assert judgement.verdict.reason == "KeyError: 'call'"


@pytest.mark.parametrize(
    ("cause", "deaths"),
    [
        ("ExecutorLostFailure (executor 2 exited)", [ended(2, 137, "OOMKilled")]),
        ("java.lang.OutOfMemoryError: Java heap space", []),
        ("Python worker exited unexpectedly (crashed). Consider setting faulthandler", []),
    ],
)
def test_a_job_that_ended_for_want_of_memory(task: SparkTask, cause: str, deaths: list[Any]) -> None:
    judgement = of_error(Py4JJavaError(JAVA.format(cause=cause)), [died(pod) for pod in deaths], task)
    assert judgement.verdict.kind == "application"
    assert "memory" in judgement.verdict.reason
    assert "'medium'" in judgement.verdict.remedy


def test_a_worker_that_crashed_did_not_want_memory(task: SparkTask) -> None:
    words = "Python worker exited unexpectedly (crashed): Fatal Python error: Segmentation fault\n"
    assert "'medium'" not in of_error(Py4JJavaError(JAVA.format(cause=words)), [], task).verdict.remedy


def test_a_job_whose_executors_died_says_so(task: SparkTask) -> None:
    error = Py4JJavaError(JAVA.format(cause="ExecutorLostFailure"))
    judgement = of_error(error, [died(ended(2, 137))], task)
    assert judgement.exit_code == EXIT_APPLICATION
    assert judgement.verdict.reason.startswith("executors died, the last: exec-2: Error (exit code 137)")


def test_a_job_that_lost_its_executors_to_the_cluster_is_tried_again(task: SparkTask) -> None:
    evicted = died(executor(3, "Failed", reason="Evicted", message="node was low on memory"))
    judgement = of_error(Py4JJavaError(JAVA.format(cause="ExecutorLostFailure")), [evicted], task)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")
    assert "exec-3: Evicted" in judgement.verdict.reason


@pytest.mark.parametrize(
    "cause",
    [
        "java.net.ConnectException: Connection refused",
        "switchboard_stage.errors.StoreError: read s3://data/x: Could not connect to the endpoint URL",
    ],
)
def test_a_service_that_does_not_answer_is_tried_again(task: SparkTask, cause: str) -> None:
    error = Py4JJavaError(JAVA.format(cause=cause))
    judgement = of_error(error, [], task)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")


def raised(error: Exception, instead: Exception, *, hidden: bool) -> Exception:
    """An exception that is raised where another one was."""
    try:
        try:
            raise error
        except type(error):
            if hidden:
                raise instead from None
            raise instead from error
    except type(instead) as found:
        return found


class OperationalError(Exception):
    """Named as psycopg's."""


OperationalError.__module__ = "psycopg"


class AdminShutdown(OperationalError):  # noqa: N818  as it is named there
    """One of them, which Postgres tells by a number."""


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("away", [AdminShutdown("bye"), ConnectionRefusedError("111")])
def test_a_service_that_an_application_reaches_itself_is_the_infrastructures(
    task: SparkTask, away: Exception, hidden: bool
) -> None:
    error = raised(away, RuntimeError("nothing was loaded"), hidden=hidden)
    judgement = of_error(error, [], task)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")
    assert "RuntimeError: nothing was loaded" in judgement.verdict.reason
    other = raised(ValueError("row 7"), RuntimeError("nothing was loaded"), hidden=hidden)
    assert of_error(other, [], task).verdict.kind == "application"


def test_a_store_that_asks_to_slow_down_is_tried_again(task: SparkTask) -> None:
    words = "An error occurred (SlowDown) when calling the PutObject operation (reached max retries: 7)"
    assert of_error(RuntimeError(words), [], task).exit_code == EXIT_INFRASTRUCTURE
    missing = RuntimeError("An error occurred (NoSuchBucket) when calling the PutObject operation")
    assert of_error(missing, [], task).exit_code == EXIT_APPLICATION


class PendingError(RuntimeError):
    """Named as AutoTranscribe's."""


def test_another_run_at_the_same_is_no_service_that_is_away(task: SparkTask) -> None:
    judgement = of_error(PendingError("1 of 2 calls are another run's now"), [], task)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")
    assert judgement.verdict.reason.startswith(
        "another run is at work on some of the same: PendingError: 1 of 2"
    )
    assert "well" not in judgement.verdict.remedy


@pytest.mark.parametrize(
    ("code", "words"), [(3, "heap was full"), (-9, "memory was used up"), (1, "exit code 1")]
)
def test_a_driver_whose_java_is_gone(task: SparkTask, code: int, words: str) -> None:
    judgement = java_ended(code, task.model_copy(update={"larger_driver_size": "large"}))
    assert words in judgement.verdict.reason
    assert ("choose size 'large'" in judgement.verdict.remedy) == (code != 1)
