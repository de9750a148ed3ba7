"""Which try follows a driver's pod, and how long a driver may run that nobody follows. No calls."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

from kubernetes.client import models as k8s

from switchboard_spark.endings import Failure, failure

FOLLOWED_BY, INSTANCE = "switchboard/followed-by", "switchboard/task-instance"
"""Annotations: number of the try that follows the pod; DAG, task, run and map index as JSON, which labels
may hold shortened. Airflow's scheduler removes a driver whose task instance has ended.
"""

SLACK_S = 60
"""Airflow's own timeout comes first, and has the time to remove the pod."""

WITHOUT_TIMEOUT_S = 24 * 3600
"""Limit of a driver whose task has no `execution_timeout`: it too must end if nobody follows it."""


def marks_of(ti: Any, run_id: str) -> dict[str, str]:
    """What a try writes on the pod that it makes."""
    return {
        FOLLOWED_BY: str(ti.try_number),
        INSTANCE: json.dumps([ti.dag_id, ti.task_id, run_id, ti.map_index]),
    }


def deadline_s(execution_timeout: timedelta | None) -> int:
    """How long a driver's pod may be on its node, in seconds from when it came there.

    Kubernetes keeps to it whoever is there to see. A try that goes on with a pod has its `execution_timeout`
    anew, the pod does not, and Kubernetes lets nobody extend it. That is meant: no driver ends sooner than it
    would have with its first try's worker alive, since that try's timeout began before the pod did. A driver
    that has used it up ends, and the next try's has all of it.
    """
    if execution_timeout is None:
        return WITHOUT_TIMEOUT_S
    return math.ceil(execution_timeout.total_seconds()) + SLACK_S


def overran(pod: k8s.V1Pod) -> Failure | None:
    """What a driver failed with that Kubernetes ended at its deadline; None for any other.

    To be asked before what the driver itself said: it only knows that something ended it.
    """
    if not (pod.status and pod.status.reason == "DeadlineExceeded"):
        return None
    return failure(
        "application",
        f"the driver was ended after {pod.spec.active_deadline_seconds} s, its pod's limit: the task's "
        f"`execution_timeout` and {SLACK_S} s, or a day where it has none. A try that goes on with a driver "
        "does not extend it",
        "give the task a longer `execution_timeout`, a larger size, or less to do at once",
    )


def later_try(there: k8s.V1Pod | None, wanted: k8s.V1Pod | None) -> int | None:
    """The try that follows a pod by now, if it is a later one than the try that wanted `wanted`."""
    by = _try(there)
    return by if by > _try(wanted) else None


def _try(pod: k8s.V1Pod | None) -> int:
    marks = (pod and pod.metadata.annotations) or {}
    return int(marks.get(FOLLOWED_BY, 0))
