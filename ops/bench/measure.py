"""What is measured, and against which floor, on an environment that is up and at rest."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ops.airflow_api import AirflowApi
from ops.dag_repository import Author
from ops.environment import Environment

NAMESPACE = "airflow-speech"
BENCH = Author("Bench", "bench@localhost")
DAG_FILE = "speech/bench_nothing.py"
NOTHING_DAG = '''"""A stage whose entry point does nothing: what a task costs over a bare pod."""

import datetime

from airflow.sdk import dag
from switchboard.stage import StageOperator


@dag(dag_id="bench_nothing", schedule=None, start_date=datetime.datetime(2026, 1, 1), tags=["{tag}"])
def bench_nothing():
    StageOperator(task_id="nothing", image="stage-base", cmds=["python", "-c", "print('nothing')"])


bench_nothing()
'''


@dataclass(frozen=True)
class Figure:
    """One row of the table. `value` and `floor` in `unit`; `bound`: the most that ratio (or value) may be."""

    name: str
    value: float
    unit: str
    bound: float
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value over floor, where there is a floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool:
        """Whether the aim is met."""
        return (self.ratio if self.ratio is not None else self.value) <= self.bound

    def as_json(self) -> dict[str, object]:
        """The row with its ratio, for the record."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values don't exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def remove_dag(env: Environment) -> None:
    """Take the DAG away that the measurements pushed."""
    with TemporaryDirectory() as folder:
        env.dag_repository(Path(folder) / "dags").change("Bench is over", {DAG_FILE: None}, BENCH)


def push_to_visible(env: Environment, pushes: int = 20) -> Figure:
    """Seconds from the end of `git push` until the API shows the DAG at that commit; 95th percentile."""
    waits: list[float] = []
    with TemporaryDirectory() as folder, env.airflow() as airflow:
        repository = env.dag_repository(Path(folder) / "dags")
        for number in range(pushes):
            files = {DAG_FILE: NOTHING_DAG.format(tag=f"push-{number}")}
            commit = repository.change(f"Bench push {number}", files, BENCH)
            waits.append(until_at(airflow, "bench_nothing", commit))
    return Figure("DAG push to visible, p95", quantile(waits, 0.95), "s", bound=15)


def until_at(airflow: AirflowApi, dag_id: str, commit: str, within_s: float = 120) -> float:
    """Wait until Airflow has a DAG as of a commit; gives the seconds. Raises TimeoutError."""
    started = time.monotonic()
    while airflow.dag_bundle_version(dag_id) != commit:
        if time.monotonic() - started > within_s:
            wrong = airflow.import_errors() or "no import error"
            raise TimeoutError(f"{dag_id} is not at {commit} after {within_s:.0f} s: {wrong}")
        time.sleep(0.2)
    return time.monotonic() - started


def task_over_pod(env: Environment, image: str, rounds: int = 5) -> Figure:
    """A stage that does nothing, queued to done, over a bare pod of the same image, in turn; medians."""
    tasks: list[float] = []
    pods: list[float] = []
    with env.airflow() as airflow:
        for _ in range(rounds):
            pods.append(_bare_pod(env, image))
            tasks.append(_task(airflow))
    return Figure(
        "stage task queued to done ÷ bare pod",
        statistics.median(tasks),
        "s",
        bound=4,
        floor=statistics.median(pods),
    )


def _bare_pod(env: Environment, image: str) -> float:
    name = f"bench-{uuid.uuid4().hex[:8]}"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "nothing",
                    "image": image,
                    "command": ["python", "-c", "print('nothing')"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"cpu": "1", "memory": "256Mi"},
                    },
                }
            ],
        },
    }
    started = time.monotonic()
    env.kubectl("create", "-f", "-", stdin=json.dumps(pod))
    env.kubectl(
        "-n", NAMESPACE, "wait", "pod", name, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"
    )
    took = time.monotonic() - started
    env.kubectl("-n", NAMESPACE, "delete", "pod", name, "--wait=false")
    return took


def _task(airflow: AirflowApi) -> float:
    run = airflow.trigger("bench_nothing", {})
    state = airflow.wait("bench_nothing", run, 180)
    if state != "success":
        raise RuntimeError(f"run {run} of bench_nothing ended as {state}")
    times = airflow.task_times("bench_nothing", run)["nothing"]
    return (times.end - times.queued).total_seconds()


def nothing_to_do(env: str) -> Figure:
    """`pulumi up` of both programs when nothing has changed."""
    from infra.shared.stack import Stack

    started = time.monotonic()
    for project in ("cluster", "platform"):
        Stack(project, env, lambda _line: None).up()
    return Figure("pulumi up with nothing to do, both programs", time.monotonic() - started, "s", bound=15)


def up_again(env: str) -> Figure:
    """`make up` when all is up already."""
    started = time.monotonic()
    subprocess.run(["make", "up", f"ENV={env}"], check=True, capture_output=True)
    return Figure("make up again", time.monotonic() - started, "s", bound=30)
