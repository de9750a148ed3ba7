"""The record of a run whose driver was killed and so left none: what its pod tells of it.

Who follows a driver writes it, a worker of Airflow's. As a driver's own (`recorder`), it is worth less than
any run: it takes `WRITE_S` at most, and the task ends as it would have.
"""

from __future__ import annotations

import logging
import time

from airflow.providers.cncf.kubernetes.utils.container import get_container_status
from kubernetes.client import models as k8s

from switchboard.objects import Objects
from switchboard_spark import endings
from switchboard_spark.background import in_background
from switchboard_spark.model import TASK_VARIABLE, SparkTask, Verdict
from switchboard_spark.records import RunRecord, Said, Times, record_of

log = logging.getLogger("switchboard.spark")

WRITE_S = 5.0
"""How long it may take to load the object store's library (1 s) and to write."""


def leave_record(pod: k8s.V1Pod, container: str, verdict: Verdict) -> None:
    """Record the run of a driver that said nothing, where it has no record. Raises nothing."""
    try:
        record = record_of_pod(pod, container, verdict, time.time())
        if record is None:
            return
        uri, run = record
        value = run.model_dump(mode="json")
        writing = in_background(lambda: Objects.connect().add_json(uri, value), "record")
        if writing.result(WRITE_S):
            log.info("The driver ended without a word; what its pod tells is recorded in %s", uri)
    except Exception as error:  # noqa: BLE001  whatever it is, the driver has ended as it has
        log.warning("The run of a driver that ended without a word is not recorded: %r", error)


def record_of_pod(
    pod: k8s.V1Pod, container: str, verdict: Verdict, now: float
) -> tuple[str, RunRecord] | None:
    """Where the run of a driver's pod is recorded, and its record; None where there is nothing to record.

    That is: the driver never ran, or said itself how it ended, so that it wrote a record too; or none are
    kept. `pod` may be as it was last seen, before it was gone.
    """
    times = _times(pod, container, now)
    if times is None or endings.ending(pod, container) is not None:
        return None
    (driver,) = pod.spec.containers
    told = next(each.value for each in driver.env if each.name == TASK_VARIABLE)
    task = SparkTask.model_validate_json(told)
    if task.recording is None:
        return None
    end = endings.terminated(pod, container)
    application = driver.args[driver.args.index("--application") + 1]
    said = Said(application, verdict, end.exit_code if end else None)
    return task.recording.uri, record_of(task, task.recording, times, said, seen=None)


def _times(pod: k8s.V1Pod, container: str, now: float) -> Times | None:
    """When a driver ran, up to now where nobody knows its end; None where it never did."""
    status = get_container_status(pod, container)
    state = status.state if status else None
    if state and state.running:
        return Times(state.running.started_at.timestamp(), now)
    if state and state.terminated:  # a node that was lost cannot tell when
        started = state.terminated.started_at or pod.status.start_time
        ended = state.terminated.finished_at
        return Times(started.timestamp(), ended.timestamp() if ended else now)
    return None
