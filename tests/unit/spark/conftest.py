"""A task, its pod, and executors' pods as the API server writes them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchboard_spark import preflight, run
from switchboard_spark.model import TASK_VARIABLE, Price, Prices, Recording, SparkSize, SparkTask
from switchboard_spark.pods import PodIdentity
from switchboard_spark.session import preparation
from tests.unit.spark.driving import CODE, FakeApi, session

SIZE = {
    "executors_min": 1,
    "executors_max": 2,
    "executor_cores": 1,
    "executor_memory_mib": 1024,
    "executor_cpu_request_millicores": 200,
    "driver_cpu_request_millicores": 200,
    "driver_memory_mib": 1024,
    "pool_slots": 2,
}

RECORDING = Recording(
    uri="s3://logs/spark-runs/airflow-speech/speech/words/manual-1-2.json",
    dag_id="speech",
    task_id="words",
    run_id="manual-1",
    map_index=-1,
    try_number=2,
    prices=Prices(
        currency="USD",
        driver=Price(vcpu_hour=0.04, gib_hour=0.004),
        executor=Price(vcpu_hour=0.02, gib_hour=0.002),
    ),
)


def make_task(larger_size: str | None = "medium", **size: Any) -> SparkTask:
    return SparkTask(
        size_name="small",
        size=SparkSize(**{**SIZE, **size}),
        image="registry/spark-example@sha256:1",
        namespace="airflow-speech",
        node_selector={"pool": "general"},
        tolerations=[{"key": "spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"}],
        event_log_uri="s3a://logs/spark-events/airflow-speech",
        executor_priority_class="spark-executor",
        larger_size=larger_size,
        labels={"dag_id": "speech"},
        app_name="speech.words",
    )


def executor(number: int = 1, phase: str = "Running", **status: Any) -> dict[str, Any]:
    """An executor's pod. Of `status` the keys are Kubernetes'."""
    return {
        "metadata": {"name": f"exec-{number}", "resourceVersion": str(number)},
        "status": {"phase": phase, **status},
    }


def ended(number: int = 1, code: int = 1, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """An executor whose container ended badly."""
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return executor(number, "Failed", containerStatuses=[{"state": state}])


def waiting(reason: str, message: str = "", number: int = 1) -> dict[str, Any]:
    """An executor whose container waits."""
    return executor(
        number,
        "Pending",
        containerStatuses=[{"state": {"waiting": {"reason": reason, "message": message}}}],
    )


def unschedulable(
    number: int = 1, message: str = "0/1 nodes are available: 1 Insufficient cpu."
) -> dict[str, Any]:
    """An executor that no node has room for."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return executor(number, "Pending", conditions=[condition])


def event(reason: str, message: str = "", kind: str = "Warning") -> dict[str, Any]:
    """An event of a pod."""
    return {"type": kind, "reason": reason, "message": message}


SCHEDULED = {"type": "PodScheduled", "status": "True"}


def creating(number: int = 1) -> dict[str, Any]:
    """An executor that has a node, and no container yet."""
    pod = waiting("ContainerCreating", number=number)
    pod["status"]["conditions"] = [SCHEDULED]
    return pod


def pulling(message: str, number: int = 1) -> dict[str, Any]:
    """An executor whose image is not pulled, and why."""
    pod = waiting("ErrImagePull", message, number)
    pod["status"]["conditions"] = [SCHEDULED]
    return pod


@pytest.fixture
def task() -> SparkTask:
    return make_task()


@pytest.fixture
def pod() -> PodIdentity:
    return PodIdentity("driver", "0a1b-2c3d", "10.0.0.7", "airflow-speech")


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "jobs_of_run.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    preparation.finish, preparation.java = (lambda: None), None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(run, "Api", lambda _: fake)
    monkeypatch.setattr(preflight, "PAUSE_S", 0.01)
    monkeypatch.setattr(run, "spark_session", session)
    return fake


@pytest.fixture
def in_a_pod(task: SparkTask, pod: PodIdentity) -> dict[str, str]:
    return {
        TASK_VARIABLE: task.model_dump_json(),
        "POD_NAME": pod.name,
        "POD_UID": pod.uid,
        "POD_IP": pod.ip,
        "POD_NAMESPACE": pod.namespace,
    }
