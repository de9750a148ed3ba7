"""Parts of a driver's pod: plain values in, Kubernetes objects out. No calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kubernetes.client import models as k8s

from switchboard.names import fingerprint, label_value, run_slug
from switchboard.placement import node_pools, placement
from switchboard.sizes import Size
from switchboard_spark import followed
from switchboard_spark.endings import Failure, failure
from switchboard_spark.model import (
    BLOCK_MANAGER_PORT,
    DRIVER_PORT,
    TASK_VARIABLE,
    UI_PORT,
    Recording,
    SparkSize,
    SparkTask,
    connection_variable,
)
from switchboard_spark.sizes import SparkPlatform, executor_pool, record_prefix

SERVICE_ACCOUNT = "spark-driver"
"""May make and remove executors in its own namespace, and nothing else."""

COMMAND = ["tini", "--", "python", "-m", "switchboard_spark.run"]

SCRATCH_MIB = 2048
"""Limit of the driver's emptyDir at /tmp: broadcasts and the libraries' own files; data is the executors'."""

REQUEST, DAG_ID = "switchboard/request", "switchboard/dag-id"
"""Annotations: what the pod was made for, and the exact id of its DAG (a label may hold a shortened one)."""

FROM_POD = {
    "POD_NAME": "metadata.name",
    "POD_UID": "metadata.uid",
    "POD_IP": "status.podIP",
    "POD_NAMESPACE": "metadata.namespace",
}

HANDED_ON = ("dag_id", "task_id", "run_id", "map_index", "switchboard/dag-commit", "switchboard/size")
"""Labels that executors have from their driver."""


def pod_size(size: SparkSize) -> Size:
    """What a driver asks for. Without a limit of CPU it starts faster, and it mostly waits afterwards."""
    return Size(
        cpu_request_millicores=size.driver_cpu_request_millicores,
        cpu_limit_millicores=None,
        memory_mib=size.driver_memory_mib,
        scratch_mib=SCRATCH_MIB,
        node_pool=size.node_pool,
    )


def labels(image: str, size: str, connections: Sequence[str]) -> dict[str, str]:
    """What a driver's pod has, beside the labels of its task. A connection's label opens the way to it."""
    return {
        **{f"switchboard/connection-{name}": "true" for name in connections},
        "app.kubernetes.io/part-of": "switchboard",
        "app.kubernetes.io/component": "spark-driver",
        "switchboard/image": label_value(image),
        "switchboard/size": label_value(size),
    }


def scrape_annotations(*, scraped: bool) -> dict[str, str]:
    """How Prometheus finds a driver's metrics, by the names that its configurations usually look for."""
    if not scraped:
        return {}
    # Without the last slash Spark answers with a redirect
    where = {"scrape": "true", "port": str(UI_PORT), "path": "/metrics/prometheus/"}
    return {f"prometheus.io/{name}": value for name, value in where.items()}


def ports() -> list[k8s.V1ContainerPort]:
    """Where executors, and Airflow's API server for the page, reach the driver."""
    named = {"driver": DRIVER_PORT, "block-manager": BLOCK_MANAGER_PORT, "ui": UI_PORT}
    return [k8s.V1ContainerPort(name=name, container_port=port) for name, port in named.items()]


def spark_task(pod: k8s.V1Pod, size_name: str, platform: SparkPlatform, context: Any) -> SparkTask:
    """What the driver is told. Raises PlacementError."""
    size = platform.size(size_name)
    selector, tolerations = placement(executor_pool(size, pools := node_pools()), pools)
    have = pod.metadata.labels
    return SparkTask(
        size_name=size_name,
        size=size,
        image=pod.spec.containers[0].image,
        namespace=pod.metadata.namespace,
        node_selector=selector,
        tolerations=[
            {"key": each.key, "operator": each.operator, "value": each.value, "effect": each.effect}
            for each in tolerations
        ],
        event_log_uri=platform.event_log_uri,
        executor_priority_class=platform.executor_priority_class,
        larger_size=platform.larger_executors(size_name),
        larger_driver_size=platform.larger_driver(size_name),
        unschedulable_seconds=platform.unschedulable_seconds,
        labels={name: have[name] for name in HANDED_ON if name in have},
        app_name=f"{have.get('dag_id', 'dag')}.{have.get('task_id', 'task')}",
        recording=recording(platform, size, context),
    )


def recording(platform: SparkPlatform, size: SparkSize, context: Any) -> Recording | None:
    """Where the driver of a task instance records its run; None where the platform keeps no records."""
    prices = platform.prices_of(size, node_pools())
    if not context or not platform.run_records_uri or prices is None:
        return None
    ti, run_id = context["ti"], context["run_id"]
    mapped = "" if ti.map_index < 0 else f"-{ti.map_index}"
    place = record_prefix(platform.run_records_uri, ti.dag_id, ti.task_id)
    return Recording(
        uri=f"{place}{run_slug(run_id)}{mapped}-{ti.try_number}.json",
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=run_id,
        map_index=ti.map_index,
        try_number=ti.try_number,
        prices=prices,
    )


def complete(
    pod: k8s.V1Pod, arguments: list[str], task: SparkTask, connections: Sequence[str], context: Any
) -> k8s.V1Pod:
    """The pod with what only a driver has, named after its task instance so that there is never a second."""
    (container,) = pod.spec.containers
    container.args = arguments
    container.env = [
        *(container.env or []),
        k8s.V1EnvVar(name=TASK_VARIABLE, value=task.model_dump_json()),
        *(k8s.V1EnvVar(name=name, value_from=_field(path)) for name, path in FROM_POD.items()),
        *(k8s.V1EnvVar(name=connection_variable(name), value_from=_address(name)) for name in connections),
    ]
    if not context:
        return pod  # nobody's yet: `airflow tasks render` and the like
    ti = context["ti"]
    instance = json.dumps([ti.dag_id, ti.task_id, context["run_id"], ti.map_index])
    pod.metadata.name = f"{pod.metadata.name}-{fingerprint(instance)}"
    # The first try after the task was cleared: what an earlier round left is not gone on with
    first_try = ti.max_tries - ti.task.retries + 1
    # Which try it is and what it costs does not make it another driver
    what = task.model_dump(exclude={"recording"})
    request = fingerprint(json.dumps([container.image, arguments, what, list(connections), first_try]))
    pod.metadata.annotations = {
        **(pod.metadata.annotations or {}),
        **followed.marks_of(ti, context["run_id"]),
        REQUEST: request,
        DAG_ID: ti.dag_id,
    }
    return pod


def can_go_on(there: k8s.V1Pod, wanted: k8s.V1Pod) -> bool:
    """Whether a pod that is there can bring the result that is wanted."""
    return (
        there.metadata.deletion_timestamp is None
        and (there.metadata.annotations or {}).get(REQUEST) == wanted.metadata.annotations[REQUEST]
        and (there.metadata.labels or {}).get("already_checked") != "True"
        and there.status.phase in {"Pending", "Running", "Succeeded"}
    )


def does_not_go(pod: k8s.V1Pod, waited_s: int) -> Failure:
    """A driver of an earlier try is still there, and may still be working."""
    return failure(
        "infrastructure",
        f"pod {pod.metadata.name}, the driver of an earlier try, has not gone from node {pod.spec.node_name} "
        f"in {waited_s} s, and there must not be two",
        "if the node is lost, `kubectl delete node`: the pod goes with it; else look at the node's kubelet",
    )


def _field(path: str) -> k8s.V1EnvVarSource:
    return k8s.V1EnvVarSource(field_ref=k8s.V1ObjectFieldSelector(field_path=path))


def _address(connection: str) -> k8s.V1EnvVarSource:
    """From the connection's Secret. Executors' pods are made without it."""
    selector = k8s.V1SecretKeySelector(name=f"connection-{connection}", key="uri")
    return k8s.V1EnvVarSource(secret_key_ref=selector)
