"""Pods of tasks that have failed for good without anybody there to remove them.

A worker removes the pod of its task. Where the worker itself died, the next try does, or goes on with the
pod. After the last try there is nobody: the pod, and a Spark driver's executors, would go on for hours. The
scheduler notices that death, so it removes the pod; it may delete pods anyway.
"""

import logging
import ssl
import sys
from threading import Thread
from typing import Any

from airflow.listeners import hookimpl

from switchboard_airflow.in_cluster import PodApi

log = logging.getLogger(__name__)

TIMEOUT_S = 10
OPERATOR_PODS = "kubernetes_pod_operator=True"


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:  # noqa: ARG001
    """Called in workers, where it does nothing, and in the scheduler when a worker is gone."""
    if "scheduler" not in sys.argv or getattr(task_instance, "state", None) != "failed":
        return
    about = {name: getattr(task_instance, name) for name in ("dag_id", "task_id", "run_id", "map_index")}
    # Beside the scheduler's loop, whose transaction this is in
    Thread(target=remove, args=(about,), name="orphans", daemon=True).start()


def selector(about: dict[str, Any]) -> str:
    """The labels that KubernetesPodOperator gave the pods of a task instance."""
    from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

    names = ["dag_id", "task_id", "run_id", *(["map_index"] if about["map_index"] >= 0 else [])]
    return ",".join([OPERATOR_PODS, *(f"{name}={make_safe_label_value(str(about[name]))}" for name in names)])


def remove(about: dict[str, Any], api: PodApi | None = None, client: Any = None) -> None:
    """Remove the pods of a task instance; what goes wrong is logged."""
    import httpx

    api = api or PodApi()
    try:
        verify = ssl.create_default_context(cafile=api.certificates) if client is None else False
        with client or httpx.Client(timeout=TIMEOUT_S, verify=verify) as kubernetes:
            found = kubernetes.request(**api.request("GET", labelSelector=selector(about))).raise_for_status()
            for pod in found.json()["items"]:
                name = pod["metadata"]["name"]
                kubernetes.request(**api.request("DELETE", name))
                log.info("Removed pod %s: its task has failed for good, and its worker is gone", name)
    except (httpx.HTTPError, OSError, ValueError, KeyError):
        log.exception("Pods of %s could not be removed", about)
