"""The executors' pods: plain values in, Kubernetes objects out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchboard_spark.model import SparkSize, SparkTask

EXECUTOR_ACCOUNT = "spark-executor"
"""Has no rights and mounts no token; in a cloud it carries the identity that may read and write the data."""

EXECUTOR_CONTAINER = "spark-executor"
OBJECT_STORE = "object-store"
"""Name of the ConfigMap and of the Secret with the object store's address and keys."""

USER = 10001
SCRATCH = "/tmp"  # noqa: S108  in the pod, its own
SECRET_VARIABLE = "_SPARK_AUTH_SECRET"  # noqa: S105  its name
"""By what an executor and its driver know each other; Spark's own variable."""

GPU = "nvidia.com/gpu"
DRIVER_LABEL = "switchboard/spark-driver"
"""On every executor, with its driver pod's uid: whose it is, whatever application id Spark gave itself."""

SCRATCH_PER_MEMORY = 10
"""Most that an executor may spill and shuffle, in its own memory: one that runs wild is evicted, and not all
that share its node.
"""


@dataclass(frozen=True)
class PodIdentity:
    """The driver's pod, as the downward API tells it."""

    name: str
    uid: str
    ip: str
    namespace: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> PodIdentity:
        """Raises KeyError with the name of the variable that is missing."""
        return cls(*(environment[name] for name in ("POD_NAME", "POD_UID", "POD_IP", "POD_NAMESPACE")))


def cpu_limit(size: SparkSize) -> int:
    """Cores that an executor may use: one for each of its tasks, and one for Java's compiler and collector,
    which are busiest while it starts.
    """
    return size.executor_cores + 1


def executor_pod(task: SparkTask, secret: str = "") -> dict[str, Any]:
    """The executors' pod template: what Spark has no settings for, and what the `restricted` profile asks.

    `secret`: in base64, the one of this driver and its executors.
    """
    spec: dict[str, Any] = {
        "serviceAccountName": EXECUTOR_ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # a namespace with many Services makes an environment too long to start
        "nodeSelector": task.node_selector,
        "tolerations": task.tolerations,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_executor_container(task.size, secret)],
        # Spark takes volumes of this name for its scratch folders, and then makes none of its own.
        "volumes": [{"name": "spark-local-dir-1", "emptyDir": {"sizeLimit": f"{_scratch_mib(task.size)}Mi"}}],
    }
    if task.executor_priority_class:
        spec["priorityClassName"] = task.executor_priority_class
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": executor_labels(task)}, "spec": spec}


def executor_labels(task: SparkTask) -> dict[str, str]:
    """The labels that say what an executor is and whose."""
    return {
        **task.labels,
        "app.kubernetes.io/part-of": "switchboard",
        "app.kubernetes.io/component": "spark-executor",
    }


def _executor_container(size: SparkSize, secret: str) -> dict[str, Any]:
    return {
        "name": EXECUTOR_CONTAINER,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "envFrom": [
            {"configMapRef": {"name": OBJECT_STORE}},
            {"secretRef": {"name": OBJECT_STORE, "optional": True}},
        ],
        "env": [{"name": SECRET_VARIABLE, "value": secret}] if secret else [],
        # Spark adds CPU and memory to it. It is not told of GPUs: it would want a program that finds them.
        "resources": {"limits": {GPU: str(size.executor_gpus)}} if size.executor_gpus else {},
        "volumeMounts": [{"name": "spark-local-dir-1", "mountPath": SCRATCH}],
        # The reason of a death outlives the container's log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _scratch_mib(size: SparkSize) -> int:
    return SCRATCH_PER_MEMORY * size.executor_memory_mib


def trial_pod(task: SparkTask, pod: PodIdentity, secret: str = "") -> dict[str, Any]:
    """An executor as Spark would make it, to ask the API server whether it would take it."""
    whole = executor_pod(task, secret)
    gpus = whole["spec"]["containers"][0]["resources"].get("limits", {})
    memory = f"{task.size.executor_memory_mib}Mi"
    whole["metadata"] |= {
        "generateName": "spark-trial-",
        "labels": {**whole["metadata"]["labels"], DRIVER_LABEL: pod.uid},
    }
    whole["spec"]["restartPolicy"] = "Never"
    whole["spec"]["containers"][0] |= {
        "image": task.image,
        "args": ["executor"],
        "resources": {
            "requests": {"cpu": f"{task.size.executor_cpu_request_millicores}m", "memory": memory},
            "limits": {**gpus, "cpu": str(cpu_limit(task.size)), "memory": memory},
        },
    }
    return whole
