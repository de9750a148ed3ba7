"""Pods that no task made: floors to compare with, and images brought to the node beforehand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ops.bench.measure import NAMESPACE
from ops.environment import Environment

OBJECT_STORE = [
    {"configMapRef": {"name": "object-store"}},
    {"secretRef": {"name": "object-store", "optional": True}},
]


def container(name: str, image: str, command: Sequence[str], resources: Mapping[str, Any]) -> dict[str, Any]:
    """A container that reaches the object store."""
    return {
        "name": name,
        "image": image,
        "command": list(command),
        "env": [
            {"name": "OMP_NUM_THREADS", "value": "1"}
        ],  # as Spark tells the Python of an executor of one core
        "envFrom": OBJECT_STORE,
        "resources": dict(resources),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def pod(mains: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A pod with some containers, and others that run before them."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"bench-{uuid.uuid4().hex[:8]}",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/component": "stage"},  # whom network policies let through to S3
        },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": list(before),
            "containers": list(mains),
        },
    }


def run_pod(environment: Environment, made: Mapping[str, Any], within_s: int) -> list[str]:
    """Run a pod to its end; what each container printed. It is gone afterwards, whatever came of it.

    Raises CommandError where it does not end well within `within_s`.
    """
    name = made["metadata"]["name"]
    environment.kubectl("create", "-f", "-", stdin=json.dumps(made))
    try:
        succeeded = "--for=jsonpath={.status.phase}=Succeeded"
        environment.kubectl(
            *("-n", NAMESPACE, "wait", "pod", name, succeeded, f"--timeout={within_s}s"),
            timeout_s=within_s + 30,
        )
        containers = [each["name"] for each in made["spec"]["containers"]]
        return [environment.kubectl("-n", NAMESPACE, "logs", name, "-c", each) for each in containers]
    finally:
        environment.kubectl("-n", NAMESPACE, "delete", "pod", name, "--wait=false")


def pull(environment: Environment, images: Sequence[str]) -> None:
    """Have the node fetch images, so that nothing that is measured waits for them."""
    little = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
    made = [container(f"image-{number}", image, ["true"], little) for number, image in enumerate(images)]
    run_pod(environment, pod(made[-1:], made[:-1]), within_s=500)
