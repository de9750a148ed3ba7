"""Pods and refusals as Kubernetes would give them, and what Airflow gives a try."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

UPSTREAM = "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"


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


class Cluster:
    """One pod at most of each name, as Kubernetes has it; `answers` are what creating one meets first."""

    def __init__(self) -> None:
        self.pod: Any = None
        self.seen: Any = None
        self.made: list[Any] = []
        self.deleted: list[str] = []
        self.events: list[Any] = []
        self.answers: list[ApiException] = []
        self.goes_after = 2
        self.on_create: Callable[[], None] = lambda: None
        self.before_annotate: Callable[[], None] = lambda: None

    def read_pod(self, _: Any) -> Any:
        if self.pod is None:
            raise failed(404)
        if self.pod.metadata.deletion_timestamp:
            self.goes_after -= 1
            if self.goes_after < 0:
                self.pod = None
                raise failed(404)
        self.seen = self.pod
        return self.pod

    def create_pod(self, wanted: Any) -> Any:
        if self.answers:
            raise self.answers.pop(0)
        assert self.pod is None, "two live drivers"
        wanted.metadata.uid = "ab-cd"
        wanted.status = k8s.V1PodStatus(phase="Pending")
        self.pod = wanted
        self.made.append(wanted)
        self.on_create()
        return wanted

    def annotate(self, _: Any, annotations: dict[str, str]) -> Any:
        if self.pod is None:
            raise failed(404)
        self.before_annotate()
        self.pod.metadata.annotations |= annotations
        return self.pod

    def delete_pod(self, pod: Any) -> None:
        self.deleted.append(pod.metadata.name)
        pod.metadata.deletion_timestamp = "now"

    def read_pod_events(self, _: Any) -> Any:
        return SimpleNamespace(items=self.events)


class Store(dict[str, Any]):
    """The task's state store."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


def context(task: Any, store: Store | None = None, **changes: Any) -> dict[str, Any]:
    about = {"dag_id": "d", "task_id": "count", "map_index": -1, "try_number": 1, "max_tries": task.retries}
    xcoms: dict[str, Any] = {}
    ti = SimpleNamespace(**{**about, **changes, "task": task, "xcom_push": xcoms.__setitem__, "xcoms": xcoms})
    return {
        "ti": ti,
        "run_id": "r",
        "dag": SimpleNamespace(),
        "task_state_store": Store() if store is None else store,
    }


def request(task: Any, **changes: Any) -> Any:
    return task.build_pod_request_obj(context(task, **changes), dry_run=True)


def start(task: Any, **changes: Any) -> Any:
    """What a try's worker does first."""
    task.pod_request_obj = request(task, **changes)
    return task.get_or_create_pod(task.pod_request_obj, context(task, **changes))


def fail(task: Any, monkeypatch: pytest.MonkeyPatch, pod: Any, cause: Any = None, **given: Any) -> str:
    """The error that a task ends with, given its pod and what following it met."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

    def cleanup(*_: Any) -> None:
        try:
            if cause:
                raise cause
        finally:
            raise AirflowException("Pod p returned a failure.")

    monkeypatch.setattr(f"{UPSTREAM}.cleanup", cleanup)
    with pytest.raises((AirflowException, AirflowTaskTimeout)) as caught:
        task.cleanup(pod, pod, None, context(task, **given))
    again = "" if isinstance(caught.value, AirflowFailException) else " (tried again)"
    return f"{caught.value}{again}"
