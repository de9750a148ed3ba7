"""The life of a driver's pod as the operator follows it: one pod, one ending, plain words."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("airflow")

from kubernetes.client import models as k8s

from tests.unit.dags.pods import UPSTREAM, Cluster, Store, context, ended, fail, failed, request, verdict


def start(task: Any, **changes: Any) -> Any:
    return task.get_or_create_pod(request(task, **changes), context(task))


def test_the_first_try_makes_the_pod_and_its_links(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.example/")
    about = context(task)
    pod = task.get_or_create_pod(request(task), about)
    assert cluster.made == [pod]
    assert about["ti"].xcoms == {
        "spark_ui": f"http://airflow.example/spark/{pod.metadata.name}/",
        "spark_history": "http://airflow.example/spark-history/history/spark-abcd/jobs/",
    }


def test_a_history_server_of_its_own_is_linked(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.dags.conftest import SPARK

    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**SPARK, "history_url": "http://history.example/"}))
    start(task)
    assert task.spark_history == "http://history.example/history/spark-abcd/jobs/"


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_a_try_after_the_workers_death_goes_on_with_the_pod(task: Any, cluster: Cluster, phase: str) -> None:
    first = start(task)
    first.status.phase = phase
    assert start(task, try_number=2) is first
    assert cluster.deleted == []


@pytest.mark.parametrize("what", ["failed", "leaving", "other request", "accounted for"])
def test_what_can_bring_no_result_is_gone_before_there_is_another(
    task: Any, cluster: Cluster, what: str
) -> None:
    first = start(task)
    first.status.phase = "Failed" if what == "failed" else "Running"
    if what == "leaving":
        first.metadata.deletion_timestamp = "now"
    if what == "accounted for":
        first.metadata.labels["already_checked"] = "True"
    changes = {"max_tries": 7} if what == "other request" else {}
    second = start(task, try_number=2, **changes)
    assert second is not first
    assert cluster.made == [first, second]
    assert cluster.deleted == ([] if what == "leaving" else [first.metadata.name])


def test_a_driver_that_does_not_go_is_not_joined_by_another(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowException

    first = start(task)
    first.spec.node_name, first.metadata.deletion_timestamp, cluster.goes_after = "n1", "now", 1000
    clock = iter(range(0, 10_000, 50))
    monkeypatch.setattr("switchboard_spark.one_driver.time.monotonic", lambda: next(clock))
    with pytest.raises(
        AirflowException, match=r"has not gone from node n1 in 120 s(?s:.*)kubectl delete node"
    ):
        start(task, try_number=2)
    assert cluster.made == [first]


def test_a_pod_that_is_there_after_all_is_found(task: Any, cluster: Cluster) -> None:
    cluster.answers = [failed(409, "already exists")]
    assert start(task) is cluster.made[0]


@pytest.mark.parametrize(("requested", "final"), [("500m", False), ("2", True)])
def test_a_refusal_is_told_in_kubernetes_words(
    task: Any, cluster: Cluster, requested: str, final: bool
) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    quota = f"exceeded quota: spark, requested: requests.cpu={requested}, limited: requests.cpu=1600m"
    cluster.answers = [failed(403, quota)]
    with pytest.raises(AirflowException, match=f"requests.cpu={requested}, limited") as caught:
        start(task)
    assert isinstance(caught.value, AirflowFailException) is final


def test_a_kill_while_kubernetes_makes_the_pod_leaves_none(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowException

    task.on_kill()  # before there is anything to remove
    task._killed = False
    task.pod_request_obj = request(task)
    cluster.on_create = task.on_kill
    for _ in range(2):
        with pytest.raises(AirflowException, match="ended from outside"):
            task.get_or_create_pod(task.pod_request_obj, context(task))
    assert set(cluster.deleted) == {task.pod_request_obj.metadata.name}
    assert len(cluster.made) == 1


def run(task: Any, monkeypatch: pytest.MonkeyPatch, pod: Any) -> Any:
    def execute(self: Any, context: Any) -> None:
        self.remote_pod = pod

    monkeypatch.setattr(f"{UPSTREAM}.execute", execute)
    return task.execute(context(task))


def test_the_functions_result_is_the_xcom(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert task.do_xcom_push is False, "it would add a sidecar to the pod"
    message = json.dumps({"result": {"pi": 3.14}})
    assert run(task, monkeypatch, ended(0, message)) == {"pi": 3.14}
    assert task.do_xcom_push is True


def test_a_task_that_was_ended_from_outside_is_no_success(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowException

    task._killed = True
    with pytest.raises(AirflowException, match="ended from outside"):
        run(task, monkeypatch, ended(143))


LOST = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name="p", namespace="n"), status=k8s.V1PodStatus(phase="Running"))


@pytest.mark.parametrize(("code", "again"), [(1, True), (2, False), (65, False), (75, True)])
def test_a_verdict_is_the_tasks_error(
    task: Any, monkeypatch: pytest.MonkeyPatch, code: int, again: bool
) -> None:
    told = fail(task, monkeypatch, ended(code, verdict("application")))
    assert told == "The application failed: R\nRemedy: M" + (" (tried again)" if again else "")


def test_a_driver_whose_pod_went_is_tried_again(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fail(task, monkeypatch, LOST, failed(404))
    assert told.startswith("The infrastructure failed, not the application: the driver's pod is gone")
    assert told.endswith("(tried again)")


def test_a_driver_that_never_ran_is_told_by_its_events(
    task: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import PodLaunchFailedException
    from airflow.providers.cncf.kubernetes.utils.pod_manager import PodLaunchTimeoutException

    event = {"type": "Warning", "reason": "FailedScheduling", "message": "0/1 nodes: 1 Insufficient cpu"}
    cluster.events = [SimpleNamespace(**event), SimpleNamespace(type="Normal", reason="X", message="y")]
    told = fail(task, monkeypatch, LOST, PodLaunchTimeoutException("Pod took too long to be scheduled"))
    assert "too long to be scheduled; event: FailedScheduling 0/1 nodes: 1 Insufficient cpu" in told
    assert told.endswith("(tried again)")
    missing = "Image cannot be pulled, unable to start: ErrImagePull\nmanifest unknown"
    told = fail(task, monkeypatch, LOST, PodLaunchFailedException(missing))
    assert "ErrImagePull manifest unknown" in told
    assert told.endswith("`make dags` pins it")


def test_a_timeout_stays_a_timeout(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout

    assert fail(task, monkeypatch, LOST, AirflowTaskTimeout("Timeout")) == "Timeout (tried again)"


def test_the_applications_own_budget_is_smaller(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, told = Store(), ended(1, verdict("application"))
    assert fail(task, monkeypatch, told, store=store).endswith("(tried again)")
    assert fail(task, monkeypatch, ended(75, verdict("infrastructure")), store=store).endswith(
        "(tried again)"
    )
    assert not fail(task, monkeypatch, told, store=store).endswith("(tried again)")
    cleared = {"store": store, "max_tries": 5}
    assert fail(task, monkeypatch, told, **cleared).endswith("(tried again)"), "clearing begins anew"
