"""The example DAG: two Spark tasks at once, each with executors of its own."""

from __future__ import annotations

import pytest

from ops.airflow_api import AirflowApi
from ops.environment import Environment
from tests.e2e.spark_runs import DRIVER, EXECUTOR, Run, objects, put_words, until_gone
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


def test_two_tasks_run_at_once(airflow: AirflowApi, platform: Environment) -> None:
    of_others = objects(platform)
    put_words(platform)
    run = Run.start(platform, airflow, "spark_example", partitions=4, prefix="e2e/words/")
    most = 0
    owners: set[str] = set()
    drivers: set[str] = set()

    def ended() -> bool:
        nonlocal most
        alive = run.pods(DRIVER)
        most = max(most, len(alive))
        drivers.update(pod["metadata"]["uid"] for pod in alive)
        for executor in run.pods(EXECUTOR):
            owners.update(owner["uid"] for owner in executor["metadata"]["ownerReferences"])
            assert executor["spec"]["serviceAccountName"] == "spark-executor"
            assert executor["spec"]["automountServiceAccountToken"] is False
        return airflow.run_state("spark_example", run.run_id) in {"success", "failed"}

    until("the example has ended", ended, within_s=600, every_s=1)
    states = {task.task_id: task.state for task in airflow.tasks("spark_example", run.run_id)}
    assert states == {"pi": "success", "words": "success"}
    assert most == len(drivers) == 2, "the two tasks were not at work at once"
    assert owners == drivers, "each executor belongs to a driver's pod, and each driver had one"
    assert run.result("pi")["pi"] == pytest.approx(3.14, abs=0.05)
    words = run.result("words")
    assert (words["words"], words["top"]["be"]) == (600, 200)
    until_gone(platform, of_others)
