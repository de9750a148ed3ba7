"""The executor that is made before Spark could make it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchboard_spark.conf import cluster_conf
from switchboard_spark.first import first_executor, startup_options
from switchboard_spark.model import SparkTask
from switchboard_spark.pods import PodIdentity, executor_pod
from switchboard_spark.session import shared_secret
from tests.unit.spark.conftest import make_task


def first_of(task: SparkTask, pod: PodIdentity) -> dict[str, Any]:
    return first_executor(task, pod, cluster_conf(task, pod, Path("template"), {}), "c2VjcmV0")


def test_it_belongs_to_its_driver(task: SparkTask, pod: PodIdentity) -> None:
    metadata = first_of(task, pod)["metadata"]
    assert metadata["labels"]["spark-app-selector"] == "spark-0a1b2c3d"
    assert metadata["labels"]["switchboard/spark-driver"] == pod.uid
    (owner,) = metadata["ownerReferences"]
    assert (owner["name"], owner["uid"]) == (pod.name, pod.uid)


@pytest.mark.parametrize("name", ["driver", "d" * 63, f"{'d' * 39}-rest", f"{'d' * 39}.rest"])
def test_its_name_is_a_host_name_and_no_other_drivers(task: SparkTask, name: str) -> None:
    pods = [PodIdentity(name, f"{number}2345678-aaaa", "10.0.0.7", "n") for number in (1, 2)]
    first, second = (first_of(task, pod) for pod in pods)
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert first["spec"]["hostname"] == first["metadata"]["name"]
    assert len(first["spec"]["hostname"]) <= 63
    assert all(part.isalnum() for part in first["spec"]["hostname"].split("-"))


def test_it_has_the_secret_of_its_driver_and_not_its_settings(task: SparkTask, pod: PodIdentity) -> None:
    (container,) = first_of(task, pod)["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["_SPARK_AUTH_SECRET"] == "c2VjcmV0"
    assert values["SPARK_DRIVER_URL"] == "spark://CoarseGrainedScheduler@10.0.0.7:7078"
    assert not [value for value in values.values() if value and "eventLog" in value]


def test_gpus_are_an_executors_own() -> None:
    """As Kubernetes wants it: a limit, in the template and in what is made of it."""
    task = make_task(executor_gpus=2)
    pod = PodIdentity("driver", "0a1b-2c3d", "10.0.0.7", "airflow-speech")
    for made in (executor_pod(task), first_of(task, pod)):
        assert made["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "limits" not in executor_pod(make_task())["spec"]["containers"][0]["resources"]


def test_later_executors_have_the_secret_from_their_template(task: SparkTask) -> None:
    (container,) = executor_pod(task, "c2VjcmV0")["spec"]["containers"]
    assert container["env"] == [{"name": "_SPARK_AUTH_SECRET", "value": "c2VjcmV0"}]


def test_what_an_executor_must_know_before_it_can_ask() -> None:
    told = {
        "spark.authenticate": "true",
        "spark.blockManager.port": "7079",
        "spark.port.maxRetries": "0",
        "spark.rpc.askTimeout": "60s",
        "spark.executor.memory": "640m",
        "spark.ui.portal": "no port",
    }
    assert startup_options(told) == [f"-D{name}={value}" for name, value in list(told.items())[:4]]


def test_a_driver_has_one_secret_that_nobody_else_reads(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert shared_secret(file) == shared_secret(file)
    assert shared_secret(tmp_path / "of-another") != shared_secret(file)
    assert file.stat().st_mode & 0o077 == 0
