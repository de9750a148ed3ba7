"""Whatever dies in the middle of a run, it ends well, does nothing twice and leaves nothing."""

from __future__ import annotations

import json

import pytest

from ops.airflow_api import AirflowApi
from ops.environment import Environment
from tests.e2e.calls import Calls
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

NAMESPACE = "airflow-speech"


def kill(stack: Environment, *selector: str) -> None:
    """End pods as a node failure would: no time to clean up."""
    stack.kubectl("-n", NAMESPACE, "delete", "pod", "--grace-period=0", "--force", "--wait=false", *selector)


def task_pods(stack: Environment, task: str, worker: bool) -> list[str]:
    """Names of the running pods of a task: of its worker, or of the stage that the worker started."""
    kind = "kubernetes_executor=True" if worker else "kubernetes_pod_operator=True"
    return [
        pod["metadata"]["name"]
        for pod in stack.pods(NAMESPACE, kind)
        if pod["status"].get("phase") == "Running"
        and pod["metadata"]["labels"].get("task_id", "").endswith(task)
    ]


def kill_when_running(stack: Environment, task: str, worker: bool) -> None:
    found: list[str] = []

    def running() -> bool:
        found[:] = task_pods(stack, task, worker)
        return bool(found)

    until(f"a pod of {task} is running", running, within_s=180, every_s=0.3)
    kill(stack, found[0])


def finished(airflow: AirflowApi, run: str, task: str) -> bool:
    return any(
        t.task_id.endswith(task) and t.state == "success" for t in airflow.tasks("autotranscribe", run)
    )


def test_a_run_survives_the_death_of_everything_it_needs(stack: Environment, calls: Calls) -> None:
    conf = {"prefix": calls.kill_prefix, "output": "e2e/kills"}
    with stack.airflow() as airflow:
        run = airflow.trigger("autotranscribe", conf)
        kill_when_running(stack, "preprocess", worker=False)
        kill_when_running(stack, "language-id", worker=True)
        until("language-id is through", lambda: finished(airflow, run, "language-id"), within_s=300)
        kill(stack, "-l", "app.kubernetes.io/name=airflow-scheduler")
        until("diarization is through", lambda: finished(airflow, run, "diarization"), within_s=300)
        kill(stack, "-l", "app.kubernetes.io/name=airflow-postgres")
        state = airflow.wait("autotranscribe", run, 900)
        tasks = airflow.tasks("autotranscribe", run)
    assert state == "success", {task.label: task.state for task in tasks}
    for reference in calls.kill:
        key = f"e2e/kills/{reference.call_id}/postprocess/transcript.json"
        transcript = json.loads(stack.s3.get_object(Bucket=stack.data_bucket, Key=key)["Body"].read())
        assert sum(len(s["words"]) for s in transcript["segments"]) > 0.5 * reference.words


def test_no_pod_of_a_run_stays(stack: Environment) -> None:
    def leftovers() -> list[str]:
        return [
            pod["metadata"]["name"]
            for selector in ("kubernetes_executor=True", "kubernetes_pod_operator=True")
            for pod in stack.pods(NAMESPACE, selector)
        ]

    # What ended while no scheduler was there goes with the next look for orphans, at most a minute apart; a
    # scheduler that was killed counts as alive for half a minute
    try:
        until("no pod of a task is left", lambda: not leftovers(), within_s=180)
    except AssertionError as error:
        raise AssertionError(f"{error}: {leftovers()}") from None
