"""Which try follows a driver's pod, who may remove it, and how long it lives with nobody there."""

import copy
import json
from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("airflow")

from kubernetes.client import models as k8s

from switchboard_spark import followed
from tests.unit.dags.pods import UPSTREAM, Cluster, context, ended, failed, request, start, verdict


def goes_on(cluster: Cluster) -> None:
    """Another worker, of the second try, takes the pod over."""
    cluster.pod = copy.deepcopy(cluster.pod)  # the fake cluster keeps the very object that asked for it
    cluster.pod.metadata.annotations |= {followed.FOLLOWED_BY: "2"}


def test_a_pod_says_whose_it_is_and_which_try_follows_it(task: Any, cluster: Cluster) -> None:
    marks = start(task).metadata.annotations
    assert json.loads(marks["switchboard/task-instance"]) == ["d", "count", "r", -1]
    assert marks["switchboard/followed-by"] == "1"
    assert start(task, try_number=2).metadata.annotations["switchboard/followed-by"] == "2"
    assert len(cluster.made) == 1


def test_a_worker_that_comes_back_leaves_the_pod_to_the_later_try(task: Any, cluster: Cluster) -> None:
    start(task)
    goes_on(cluster)
    task.on_kill()
    assert cluster.deleted == []


@pytest.mark.parametrize("mine", [1, 2])
def test_a_worker_that_is_ended_removes_its_pod_and_an_earlier_trys(
    task: Any, cluster: Cluster, mine: int
) -> None:
    pod = start(task)
    task.pod, task.pod_request_obj = None, request(task, try_number=mine)  # before it took the pod over
    task.on_kill()
    assert cluster.deleted == [pod.metadata.name]


def test_what_has_ended_meanwhile_is_not_taken_over(task: Any, cluster: Cluster) -> None:
    first = start(task)

    def goes() -> None:
        first.metadata.deletion_timestamp = "now"

    cluster.before_annotate = goes
    assert start(task, try_number=2) is not first

    def gone() -> None:
        cluster.pod = None
        raise failed(404)

    cluster.before_annotate = gone
    assert start(task, try_number=3) is cluster.made[2]


def test_a_worker_that_was_ended_takes_over_nothing(task: Any, cluster: Cluster) -> None:
    from airflow.sdk.exceptions import AirflowException

    start(task)
    goes_on(cluster)
    task.on_kill()
    with pytest.raises(AirflowException, match="ended from outside"):
        start(task)
    assert cluster.pod.metadata.annotations[followed.FOLLOWED_BY] == "2"


def test_links_that_cannot_be_stored_do_not_fail_a_try(
    task: Any, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    def push(*_: Any) -> None:
        assert task.pod is cluster.pod, "a kill right now would not know it"
        raise RuntimeError("API_SERVER_ERROR")

    about = context(task)
    about["ti"].xcom_push = push
    assert task.get_or_create_pod(request(task), about) is cluster.pod
    assert task.spark_history.endswith("/history/spark-abcd/jobs/")


@pytest.mark.parametrize(("try_number", "removed"), [(2, 0), (3, 1)])
def test_a_pod_that_could_not_be_looked_at_is_left_only_to_a_try_that_follows(
    task: Any, cluster: Cluster, try_number: int, removed: int
) -> None:
    assert task.retries == 2
    task.pod = start(task, try_number=try_number)
    task.cleanup(task.pod, None, None, context(task, try_number=try_number))
    assert len(cluster.deleted) == removed


def test_a_later_trys_pod_is_not_cleaned_up(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowException

    cleaned: list[Any] = []
    monkeypatch.setattr(f"{UPSTREAM}.cleanup", lambda *_: cleaned.append(1))
    task.pod = start(task)
    task.cleanup(task.pod, task.pod, None, context(task))
    assert len(cleaned) == 1
    goes_on(cluster)
    with pytest.raises(AirflowException, match=f"try 2 follows pod {task.pod.metadata.name}"):
        task.cleanup(task.pod, task.pod, None, context(task))
    assert len(cleaned) == 1


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(timedelta(minutes=30), 1860), (timedelta(milliseconds=1500), 62), (None, 86_400)],
)
def test_kubernetes_ends_what_nobody_follows(task: Any, timeout: timedelta | None, seconds: int) -> None:
    task.execution_timeout = timeout
    assert request(task).spec.active_deadline_seconds == seconds


def test_a_driver_that_ran_into_its_pods_limit_is_told_so(task: Any) -> None:
    from airflow.sdk.exceptions import AirflowException

    pod = ended(143, verdict("infrastructure"), pod_reason="DeadlineExceeded")  # what it said of SIGTERM
    pod.spec = k8s.V1PodSpec(containers=[], active_deadline_seconds=1860)
    told = str(task.failure(AirflowException("Pod p returned a failure."), pod, context(task)))
    assert told.startswith("The application failed: the driver was ended after 1860 s, its pod's limit")
    assert "Remedy: give the task a longer `execution_timeout`" in told
    assert followed.overran(ended(1, pod_reason="Evicted")) is None


def test_a_driver_has_longer_to_start_than_a_stage(task: Any) -> None:
    assert task.startup_timeout_seconds == 900
