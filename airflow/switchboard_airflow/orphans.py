"""Pods of tasks that have ended without anybody there to remove them.

A worker removes the pod of its task. Where the worker itself died, the next try does, or goes on with the
pod. Where no try follows there is nobody: the pod, and a Spark driver's executors, would go on for hours. The
scheduler, which may delete pods anyway, removes them in two ways:

- When it learns of a worker's death in the last try, it removes the pod of the task, whatever its kind.
- It does not learn of every such end: a worker that outlives its task's process reports the failure itself, a
  run is marked as failed while the task waits for its next try. So it looks at Spark drivers once a minute.
"""

import json
import logging
import ssl
import sys
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from airflow.listeners import hookimpl

from switchboard_airflow.in_cluster import PodApi

log = logging.getLogger(__name__)

TIMEOUT_S = 10
OPERATOR_PODS = "kubernetes_pod_operator=True"

DRIVERS, INSTANCE = "app.kubernetes.io/component=spark-driver", "switchboard/task-instance"
"""Label of Spark drivers, and the annotation that says whose each is (see switchboard_spark.followed)."""

LOOK_S = 60
"""How often drivers are looked at. A worker that is told to end removes its own long before."""


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001
    """Called in every process of Airflow's; drivers are looked at in the scheduler."""
    if "scheduler" in sys.argv:
        Thread(target=keep_looking, name="orphaned-drivers", daemon=True).start()


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
    _remove(selector(about), lambda _: True, api, client)


def keep_looking() -> None:
    """Remove drivers of task instances that have ended, for as long as the scheduler lives."""
    while True:
        time.sleep(LOOK_S)
        try:
            remove_ended(has_ended)
        except Exception:
            log.exception("Drivers that nobody follows any more could not be looked for; tried again")


def remove_ended(ended: Callable[..., bool], api: PodApi | None = None, client: Any = None) -> None:
    """Remove drivers whose task instance has ended; what goes wrong is logged.

    `ended` is asked with ids of DAG, task and run, and the map index.
    """

    def is_nobodys(pod: Any) -> bool:
        whose = pod["metadata"].get("annotations", {}).get(INSTANCE)
        return whose is not None and ended(*json.loads(whose))

    _remove(DRIVERS, is_nobodys, api, client)


def has_ended(dag_id: str, task_id: str, run_id: str, map_index: int) -> bool:
    """Whether no try of a task instance runs or will run. One that is not there any more has ended too."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import State
    from sqlalchemy import select

    own = TaskInstance.dag_id == dag_id, TaskInstance.task_id == task_id, TaskInstance.run_id == run_id
    with create_session() as session:
        states = session.scalars(
            select(TaskInstance.state).where(*own, TaskInstance.map_index == map_index)
        ).all()
    return all(state in State.finished for state in states)


def _remove(labels: str, is_nobodys: Callable[[Any], bool], api: PodApi | None, client: Any) -> None:
    import httpx

    api = api or PodApi()
    try:
        verify = ssl.create_default_context(cafile=api.certificates) if client is None else False
        with client or httpx.Client(timeout=TIMEOUT_S, verify=verify) as kubernetes:
            found = kubernetes.request(**api.request("GET", labelSelector=labels)).raise_for_status()
            for pod in found.json()["items"]:
                if "deletionTimestamp" not in pod["metadata"] and is_nobodys(pod):
                    _remove_one(kubernetes, api, pod["metadata"])
    except (httpx.HTTPError, OSError, ValueError, KeyError):
        log.exception("Pods that nobody follows any more (%s) could not be removed", labels)


def _remove_one(kubernetes: Any, api: PodApi, pod: dict[str, Any]) -> None:
    """Remove this very pod: one of the same name may be another try's by now."""
    precondition = {"preconditions": {"uid": pod["uid"]}}
    answer = kubernetes.request(**api.request("DELETE", pod["name"]), json=precondition)
    if answer.status_code not in {404, 409}:
        answer.raise_for_status()
        log.info("Removed pod %s: its task has ended, and its worker is gone", pod["name"])
