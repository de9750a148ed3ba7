"""Pods and refusals as Kubernetes would give them."""

from __future__ import annotations

import json

from kubernetes.client import ApiException
from kubernetes.client import models as k8s


def failed(status: int, message: str = "") -> ApiException:
    """A call that Kubernetes refuses, with its words."""
    error = ApiException(status=status, reason="Refused")
    error.body = json.dumps({"message": message})
    return error


def verdict(kind: str) -> str:
    """What a driver says when it fails."""
    return json.dumps({"kind": kind, "reason": "R", "remedy": "M"})


def ended(code: int, message: str = "", reason: str = "Error", pod_reason: str | None = None) -> k8s.V1Pod:
    """A driver's pod whose container has ended."""
    end = k8s.V1ContainerStateTerminated(exit_code=code, message=message, reason=reason)
    container = k8s.V1ContainerStatus(
        name="base",
        state=k8s.V1ContainerState(terminated=end),
        image="i",
        image_id="i",
        ready=False,
        restart_count=0,
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p", namespace="n"),
        status=k8s.V1PodStatus(phase="Failed", container_statuses=[container], reason=pod_reason),
    )
