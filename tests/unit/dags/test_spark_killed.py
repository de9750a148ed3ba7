"""A driver that was killed leaves no record of its run: who follows it writes one."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("airflow")

from kubernetes.client import models as k8s

from switchboard.objects import Objects
from switchboard_spark import killed
from switchboard_spark.records import RunRecord
from tests.unit.dags.conftest import SPARK
from tests.unit.dags.fake_s3 import FakeS3
from tests.unit.dags.pods import Cluster, ended, fail, failed, request, start, verdict

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = START + timedelta(seconds=90)
PRICE = {"vcpu_hour": 0.04, "gib_hour": 0.004}
RECORDS = {
    "run_records_uri": "s3://logs/spark-runs/airflow-speech",
    "prices": {"currency": "USD", "on_demand": PRICE, "spot": PRICE, "node_pools": {}},
}
FIRST = "s3://logs/spark-runs/airflow-speech/d/count/r-1.json"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    """The object store of a platform that keeps records."""
    fake = FakeS3()
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**SPARK, **RECORDS}))
    monkeypatch.setattr(Objects, "connect", lambda: Objects(fake))
    return fake


def finished(pod: Any, code: int = 137, message: str = "", reason: str = "Error") -> Any:
    """The pod once its driver has ended."""
    pod.status = ended(code, message, reason).status
    end = pod.status.container_statuses[0].state.terminated
    end.started_at, end.finished_at = START, END
    return pod


def running(pod: Any) -> Any:
    """The pod while its driver runs."""
    pod = finished(pod)
    pod.status.phase = "Running"
    state = k8s.V1ContainerState(running=k8s.V1ContainerStateRunning(started_at=START))
    pod.status.container_statuses[0].state = state
    return pod


def test_a_driver_without_memory_is_recorded(
    task: Any, store: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fail(task, monkeypatch, finished(request(task), reason="OOMKilled"))
    record = RunRecord.model_validate(store.json(FIRST))
    assert (record.started, record.ended, record.duration_s) == (START, END, 90)
    assert (record.application, record.size_name) == ("words:count", "small")
    assert (record.dag_id, record.task_id, record.try_number) == ("d", "count", 1)
    assert (record.outcome, record.exit_code) == ("application", 137)
    assert record.reason in told
    assert "OOMKilled" in record.reason
    assert record.driver_asked.core_s == pytest.approx(9)
    assert record.cost == pytest.approx((9 * 0.04 + 90 * 0.004) / 3600)
    assert record.work is None, "what executors did, nobody can say"


def test_what_the_driver_recorded_itself_stays(
    task: Any, store: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(FIRST)
    before = dict(store.objects)
    fail(task, monkeypatch, finished(request(task)))
    assert store.objects == before


@pytest.mark.parametrize(
    "pod", [lambda pod: finished(pod, 1, verdict("application")), lambda pod: pod], ids=["told", "never ran"]
)
def test_a_driver_that_told_its_end_or_never_ran_is_not_recorded_again(
    task: Any, store: FakeS3, monkeypatch: pytest.MonkeyPatch, pod: Any
) -> None:
    fail(task, monkeypatch, pod(request(task)), failed(500))
    assert store.objects == {}


def test_a_pod_that_is_gone_is_recorded_as_it_was_last_seen(
    task: Any, store: FakeS3, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard_spark.killed.time.time", END.timestamp)
    task.pod = start(task)
    stale = k8s.V1Pod(metadata=task.pod.metadata, status=k8s.V1PodStatus(phase="Pending"))
    cluster.read_pod(running(task.pod))
    fail(task, monkeypatch, stale, failed(404))
    record = RunRecord.model_validate(store.json(FIRST))
    assert (record.outcome, record.exit_code, record.duration_s) == ("infrastructure", None, 90)
    assert "the driver's pod is gone" in record.reason


@pytest.mark.parametrize("status", [404, 503])
def test_an_end_that_was_seen_counts_whatever_became_of_the_pod(
    task: Any, store: FakeS3, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    task.pod = start(task)
    stale = k8s.V1Pod(metadata=task.pod.metadata, status=k8s.V1PodStatus(phase="Pending"))
    cluster.read_pod(finished(task.pod, reason="OOMKilled"))
    told = fail(task, monkeypatch, stale, failed(status))
    assert "The application failed: the driver was OOMKilled" in told
    assert store.json(FIRST)["exit_code"] == 137


def test_a_driver_that_ended_well_and_could_not_be_followed_is_no_failure_of_the_application(
    task: Any, store: FakeS3, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.pod = start(task)
    cluster.read_pod(finished(task.pod, 0, json.dumps({"result": 1})))
    told = fail(task, monkeypatch, task.pod, failed(503, "etcd is away"))
    assert told.startswith("The infrastructure failed, not the application: etcd is away")
    assert store.objects == {}


def test_a_driver_that_only_cannot_be_asked_about_records_itself(
    task: Any, store: FakeS3, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.pod = start(task)
    cluster.read_pod(running(task.pod))
    fail(task, monkeypatch, task.pod, failed(503))
    assert store.objects == {}


def test_a_killed_driver_whose_worker_died_too_is_recorded_by_the_next_try(
    task: Any, store: FakeS3, cluster: Cluster
) -> None:
    first = finished(start(task))
    second = start(task, try_number=2)
    assert second is not first
    assert list(store.objects) == [("logs", FIRST.removeprefix("s3://logs/"))]
    assert store.json(FIRST)["outcome"] == "infrastructure"


def test_a_lost_node_cannot_tell_times(task: Any, store: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard_spark.killed.time.time", END.timestamp)
    pod = finished(request(task), reason="ContainerStatusUnknown")
    pod.status.start_time = START
    end = pod.status.container_statuses[0].state.terminated
    end.started_at = end.finished_at = None
    fail(task, monkeypatch, pod)
    assert store.json(FIRST)["duration_s"] == 90


@pytest.mark.parametrize("trouble", ["refuses", "hangs"])
def test_a_store_in_trouble_does_not_change_the_tasks_end(
    task: Any,
    store: FakeS3,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    if trouble == "hangs":
        monkeypatch.setattr(killed, "WRITE_S", 0.0)
        monkeypatch.setattr(Objects, "add_json", lambda *_: threading.Event().wait(1))
    else:
        monkeypatch.setenv(
            "SWITCHBOARD_SPARK", json.dumps({**SPARK, **RECORDS, "run_records_uri": "s3://forbidden/runs"})
        )
    with caplog.at_level(logging.WARNING):
        told = fail(task, monkeypatch, finished(request(task)))
    assert "the driver was killed by signal 9" in told
    assert "is not recorded" in caplog.text
