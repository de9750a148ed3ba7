"""What Spark is told: memory, executors, S3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from switchboard_spark.conf import cluster_conf, heap_mib, local_conf, s3a
from switchboard_spark.model import MIN_MEMORY_MIB, SparkSize, SparkTask
from switchboard_spark.pods import PodIdentity, executor_pod, trial_pod
from tests.unit.spark.conftest import make_task

TEMPLATE = Path("/tmp/template.json")


def conf_of(task: SparkTask, pod: PodIdentity, **environment: str) -> dict[str, str]:
    return cluster_conf(task, pod, TEMPLATE, environment)


@pytest.mark.parametrize("container", [MIN_MEMORY_MIB, 1024, 1344, 2048, 8192, 65536])
def test_heap_and_what_spark_adds_to_it_fill_the_container(container: int) -> None:
    heap = heap_mib(container)
    spark_adds = max(int(0.4 * heap), 384)
    assert container - 2 <= heap + spark_adds <= container


def test_the_smallest_size_still_has_the_heap_that_spark_asks_for() -> None:
    assert heap_mib(MIN_MEMORY_MIB) >= 512
    with pytest.raises(ValidationError, match="executor_memory_mib"):
        make_task(executor_memory_mib=MIN_MEMORY_MIB - 1)


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="executors_min 3 is more than executors_max 2"):
        make_task(executors_min=3)


def test_a_newer_platform_may_say_more_of_a_size(task: SparkTask) -> None:
    assert SparkSize.model_validate({**task.size.model_dump(), "of_tomorrow": 1}) == task.size


def test_executors_get_exactly_the_memory_of_their_size(task: SparkTask, pod: PodIdentity) -> None:
    conf = conf_of(task, pod)
    parts = [int(conf[f"spark.executor.{name}"].removesuffix("m")) for name in ("memory", "memoryOverhead")]
    assert sum(parts) == task.size.executor_memory_mib


def test_the_driver_is_this_pod_in_client_mode(task: SparkTask, pod: PodIdentity) -> None:
    conf = conf_of(task, pod)
    expected = {
        "spark.master": "k8s://https://kubernetes.default.svc",
        "spark.submit.deployMode": "client",
        "spark.driver.host": "10.0.0.7",
        "spark.driver.bindAddress": "10.0.0.7",
        "spark.driver.port": "7078",
        "spark.blockManager.port": "7079",
        "spark.ui.port": "4040",
        "spark.kubernetes.driver.pod.name": "driver",
        "spark.kubernetes.namespace": "airflow-speech",
        "spark.kubernetes.container.image": "registry/spark-example@sha256:1",
        "spark.kubernetes.executor.podTemplateFile": str(TEMPLATE),
        "spark.kubernetes.executor.request.cores": "200m",
        "spark.kubernetes.executor.disableConfigMap": "true",
        "spark.kubernetes.executor.label.switchboard/spark-driver": "0a1b-2c3d",
        "spark.app.id": "spark-0a1b2c3d",
    }
    assert {name: conf.get(name) for name in expected} == expected


def test_every_value_is_text_that_a_command_line_takes(task: SparkTask, pod: PodIdentity) -> None:
    for name, value in conf_of(task, pod, AWS_REGION="eu-west-1").items():
        assert isinstance(value, str), name
        assert value, name
        assert "=" not in name


def test_a_range_of_executors_is_followed_without_a_shuffle_service(pod: PodIdentity) -> None:
    conf = conf_of(make_task(executors_min=0, executors_max=4), pod)
    assert conf["spark.dynamicAllocation.enabled"] == "true"
    assert conf["spark.dynamicAllocation.shuffleTracking.enabled"] == "true"
    assert (conf["spark.dynamicAllocation.minExecutors"], conf["spark.dynamicAllocation.maxExecutors"]) == (
        "0",
        "4",
    )
    assert "spark.executor.instances" not in conf


def test_a_fixed_number_of_executors_stays(pod: PodIdentity) -> None:
    conf = conf_of(make_task(executors_min=2, executors_max=2), pod)
    assert conf["spark.executor.instances"] == "2"
    assert conf["spark.dynamicAllocation.enabled"] == "false"


@pytest.mark.parametrize(("most", "batch"), [(1, "1"), (40, "40"), (500, "100")])
def test_executors_are_asked_for_in_batches(pod: PodIdentity, most: int, batch: str) -> None:
    conf = conf_of(make_task(executors_max=most), pod)
    assert conf["spark.kubernetes.allocation.batch.size"] == batch


def test_no_event_log_without_a_place_for_it(task: SparkTask, pod: PodIdentity) -> None:
    assert conf_of(task, pod)["spark.eventLog.dir"] == task.event_log_uri
    without = conf_of(task.model_copy(update={"event_log_uri": ""}), pod)
    assert without["spark.eventLog.enabled"] == "false"
    assert "spark.eventLog.dir" not in without


def test_amazons_own_s3_is_left_as_it_is() -> None:
    conf = s3a({"AWS_REGION": "eu-west-1"})
    assert conf["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-1"
    assert not [name for name in conf if name.endswith((".endpoint", ".access", ".mode"))]


@pytest.mark.parametrize(("endpoint", "ssl"), [("http://s3:7070", "false"), ("https://s3", "true")])
def test_another_s3_is_reached_by_path(endpoint: str, ssl: str) -> None:
    conf = s3a({"AWS_ENDPOINT_URL_S3": endpoint})
    assert conf["spark.hadoop.fs.s3a.endpoint"] == endpoint
    assert conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] == ssl
    assert conf["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert conf["spark.hadoop.fs.s3a.change.detection.mode"] == "none"


def test_keys_are_not_in_the_configuration(task: SparkTask, pod: PodIdentity) -> None:
    conf = conf_of(task, pod, AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="very secret")
    assert "AKIA" not in json.dumps(conf)
    assert "very secret" not in json.dumps(conf)


def test_a_laptop_needs_neither_kubernetes_nor_the_jars_for_s3() -> None:
    conf = local_conf({}, with_s3a=False)
    assert conf["spark.master"] == "local[*]"
    assert not [name for name in conf if "kubernetes" in name or "s3a" in name or "commit" in name]
    assert "spark.hadoop.fs.s3a.committer.name" in local_conf({}, with_s3a=True)


def test_executors_are_as_restricted_as_every_pod(task: SparkTask) -> None:
    spec = executor_pod(task)["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["serviceAccountName"] == "spark-executor"
    assert spec["priorityClassName"] == "spark-executor"
    assert spec["nodeSelector"] == {"pool": "general"}
    assert spec["tolerations"] == task.tolerations
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [source["secretRef"]["optional"] for source in container["envFrom"] if "secretRef" in source] == [
        True
    ]


def test_the_one_writable_place_is_sparks_scratch_folder(task: SparkTask) -> None:
    spec = executor_pod(task)["spec"]
    (volume,), (mount,) = spec["volumes"], spec["containers"][0]["volumeMounts"]
    # Spark looks for volumes by this prefix; without one it adds its own.
    assert volume["name"].startswith("spark-local-dir-")
    assert mount == {"name": volume["name"], "mountPath": "/tmp"}
    assert volume["emptyDir"]["sizeLimit"] == "10240Mi"


def test_labels_of_the_task_do_not_replace_those_of_the_platform(task: SparkTask) -> None:
    odd = task.model_copy(update={"labels": {"app.kubernetes.io/component": "stage", "run_id": "r"}})
    labels = executor_pod(odd)["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "spark-executor"
    assert labels["run_id"] == "r"


def test_no_priority_class_means_the_clusters_default(task: SparkTask) -> None:
    without = task.model_copy(update={"executor_priority_class": ""})
    assert "priorityClassName" not in executor_pod(without)["spec"]


def test_the_trial_asks_for_what_an_executor_takes(task: SparkTask, pod: PodIdentity) -> None:
    trial = trial_pod(task, pod)
    (container,) = trial["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "200m", "memory": "1024Mi"}
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "1024Mi"}
    assert container["image"] == task.image
    assert trial["metadata"]["labels"]["switchboard/spark-driver"] == pod.uid
    # The template itself is not touched by it.
    assert "image" not in executor_pod(task)["spec"]["containers"][0]


def test_what_sizes_drains_and_metrics_rely_on_is_switched_on(task: SparkTask, pod: PodIdentity) -> None:
    expected = {
        "spark.sql.adaptive.enabled": "true",
        "spark.ui.prometheus.enabled": "true",
        "spark.metrics.conf.*.sink.prometheusServlet.class": (
            "org.apache.spark.metrics.sink.PrometheusServlet"
        ),
        "spark.metrics.conf.*.sink.prometheusServlet.path": "/metrics/prometheus",
        "spark.metrics.namespace": "spark",
        "spark.decommission.enabled": "true",
        "spark.storage.decommission.enabled": "true",
        "spark.storage.decommission.rddBlocks.enabled": "true",
        "spark.storage.decommission.shuffleBlocks.enabled": "true",
        "spark.executor.decommission.forceKillTimeout": "20s",
        "spark.kubernetes.decommission.script": "/bin/spark-decommission",
        "spark.kubernetes.executor.terminationGracePeriodSeconds": "20s",
    }
    conf = conf_of(task, pod)
    assert {name: conf.get(name) for name in expected} == expected


def test_what_the_record_of_a_run_needs_is_switched_on(task: SparkTask, pod: PodIdentity) -> None:
    conf = conf_of(task, pod)
    assert conf["spark.executor.processTreeMetrics.enabled"] == "true"
    assert int(conf["spark.ui.retainedDeadExecutors"]) >= 1000
