"""Airflow reads its configuration on import: it gets a home of its own before any test imports it."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

IMAGES = (
    *("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess", "report"),
    *("spark-example", "transcripts-daily", "autotranscribe"),
)

SPARK = {
    "sizes": {
        name: {
            "executors_min": 1,
            "executors_max": 2,
            "executor_cores": 1,
            "executor_memory_mib": memory_mib,
            "executor_cpu_request_millicores": 200,
            "driver_cpu_request_millicores": 100,
            "driver_memory_mib": 1024,
            "pool_slots": slots,
        }
        for name, memory_mib, slots in (("large", 2048, 3), ("small", 1024, 1), ("medium", 1536, 2))
    },
    "event_log_uri": "s3a://logs/spark-events/airflow-speech",
    "driver_priority_class": "spark-driver",
    "executor_priority_class": "spark-executor",
    "history_url": "",
    "connections": ["warehouse"],
}
"""What the platform tells Airflow's pods of Spark."""


def reference(name: str) -> str:
    """A pinned image as `make images` would write it."""
    return f"registry.example/{name}@sha256:{'a' * 64}"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file with all images, which the DAG library takes for its own."""
    path = tmp_path / "images.lock.json"
    path.write_text(json.dumps({name: reference(name) for name in IMAGES}))
    monkeypatch.setattr("switchboard.images.LOCK_FILE", path)
    return path


@pytest.fixture(autouse=True)
def _spark_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps(SPARK))


@pytest.fixture
def cluster() -> Any:
    """Kubernetes with no pod yet, in which `task` runs."""
    from tests.unit.dags.pods import Cluster

    return Cluster()


@pytest.fixture
def task(lock: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Spark task in `cluster`."""
    from switchboard_spark.operator import SparkTaskOperator

    monkeypatch.setattr("switchboard_spark.one_driver.time.sleep", lambda _: None)
    made = SparkTaskOperator(task_id="count", application="words:count", image="spark-example")
    made.namespace = "airflow-speech"
    vars(made)["pod_manager"] = cluster
    return made


@pytest.fixture
def operator(lock: Path) -> Any:
    from switchboard_spark.operator import SparkTaskOperator

    def make(**changes: Any) -> Any:
        return SparkTaskOperator(
            **{"task_id": "count", "application": "words:count", "image": "spark-example", **changes}
        )

    return make
