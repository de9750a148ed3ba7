"""`compare`: the same small application as a SparkTaskOperator, by `spark-submit` in cluster mode and by the
`spark-on-k8s` package, all three as tasks in Airflow, in turns.

The other two are run as their users do: a task's pod submits the application and waits for its end. They get
our image, whose executors start from an archive of classes, and none of what our driver does beside
(no event log, no object store, no watching of executors).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from rich.table import Table

from ops.airflow_api import AirflowApi
from ops.bench.measure import NAMESPACE, Figure, quantile
from ops.bench.spark import stand
from ops.bench.spark.contenders import PATH, WAYS, dags, rights
from ops.bench.spark.cpu import Meter
from ops.bench.spark.pushed import pushed
from ops.console import console, detail
from ops.environment import Environment

ROUNDS = 5
WITHIN_S = 300
LOG_END = 2000
"""Most characters of a failed task's log that are shown."""

DRIVERS = "switchboard/bench=compare,app.kubernetes.io/component=spark-driver"
EXECUTORS = "app.kubernetes.io/component=spark-executor"


@dataclass(frozen=True)
class Run:
    """One run of one way. Seconds are from the task's start in Airflow."""

    first_executor_s: float
    """Until the first executor has registered with the driver."""
    result_s: float
    """Until the application has its result."""
    end_s: float
    """Until the task has ended in Airflow."""
    pods: int
    """Made, Airflow's worker included."""
    cpu_s: float
    """Processor time of all pods, beyond what they use at rest, until nothing is left."""

    def __str__(self) -> str:
        return (
            f"first executor {self.first_executor_s:.1f} s, result {self.result_s:.1f} s, "
            f"end {self.end_s:.1f} s, {self.pods} pods, {self.cpu_s:.1f} CPU-seconds"
        )


def compare(environment: Environment) -> list[Figure]:
    """Each way `ROUNDS` times, after one that does not count."""
    image = stand.bench_image(environment)
    ids = [f"bench_compare_{way}" for way in WAYS]
    runs: dict[str, list[Run]] = {way: [] for way in WAYS}
    with more_rights(environment), pushed(environment, {PATH: dags(image)}, ids) as airflow:
        for way in WAYS:  # the node pulls the image, and everything is read once
            run_once(environment, airflow, way, Meter.at_rest(environment.name, watch_s=1))
        meter = Meter.at_rest(environment.name)
        for _ in range(ROUNDS):
            for way, found in runs.items():
                found.append(run_once(environment, airflow, way, meter))
                detail(f"{WAYS[way]}: {found[-1]}")
    console.print(runs_table(runs))
    return figures(runs)


@contextmanager
def more_rights(environment: Environment) -> Iterator[None]:
    """What the others need, for as long as they run."""
    manifest = json.dumps(rights())
    environment.kubectl("apply", "-f", "-", stdin=manifest)
    try:
        yield
    finally:
        environment.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=manifest)


def run_once(environment: Environment, airflow: AirflowApi, way: str, meter: Meter) -> Run:
    """One run, until nothing of it is left. Raises RuntimeError where it fails."""
    dag_id = f"bench_compare_{way}"
    before = meter.read()
    with stand.pods_made(environment) as made:
        run_id = airflow.trigger(dag_id, {})
        state = airflow.wait(dag_id, run_id, WITHIN_S)
        try:
            if state != "success":
                raise RuntimeError(
                    f"run {run_id} of {dag_id} ended as {state}:\n{log_end(airflow, dag_id, run_id)}"
                )
            said = of_ours(airflow, dag_id, run_id) if way == "ours" else of_driver(environment)
        finally:
            stand.delete_pods(environment, DRIVERS)
            stand.until_gone(environment, EXECUTORS)
        pods = made()
    times = airflow.task_times(dag_id, run_id)["app"]
    started = times.start.timestamp()
    return Run(
        first_executor_s=said["first_executor"] - started,
        result_s=said["result"] - started,
        end_s=times.end.timestamp() - started,
        pods=len(pods),
        cpu_s=meter.since(before).pods_s,
    )


def log_end(airflow: AirflowApi, dag_id: str, run_id: str) -> str:
    """The end of the log of a run's one task."""
    (task,) = airflow.tasks(dag_id, run_id)
    return airflow.log(dag_id, run_id, task)[-LOG_END:]


def of_ours(airflow: AirflowApi, dag_id: str, run_id: str) -> dict[str, float]:
    """What the application said, as the task's XCom."""
    place = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/app/xcomEntries/return_value"
    value: Any = airflow.get(place)["value"]
    said: dict[str, float] = json.loads(value) if isinstance(value, str) else value
    return said


def of_driver(environment: Environment) -> dict[str, float]:
    """The same of a driver's pod that has ended and is still there."""
    (pod,) = environment.pods(NAMESPACE, DRIVERS)
    code, message = stand.terminated(pod)
    if code:
        raise RuntimeError(f"driver {pod['metadata']['name']} ended with exit code {code}: {message}")
    said: dict[str, float] = json.loads(message)
    return said


def values(runs: Sequence[Run], name: str) -> list[float]:
    """One of the measures over some runs."""
    return [float(getattr(run, name)) for run in runs]


MEASURES = {
    "first_executor_s": "to the first executor, s",
    "result_s": "to the result, s",
    "end_s": "to the task's end, s",
    "pods": "pods made",
    "cpu_s": "CPU-seconds",
}


def runs_table(runs: Mapping[str, Sequence[Run]]) -> Table:
    """Median and 95th percentile of every measure of every way."""
    count = min(len(found) for found in runs.values())
    shown = Table(title=f"Three ways to run the same application: p50 (p95) of {count}")
    shown.add_column("")
    for way in runs:
        shown.add_column(WAYS[way], justify="right")
    for field in fields(Run):
        row = [values(found, field.name) for found in runs.values()]
        cells = [f"{quantile(each, 0.5):.1f} ({quantile(each, 0.95):.1f})" for each in row]
        shown.add_row(MEASURES[field.name], *cells)
    return shown


def figures(runs: Mapping[str, Sequence[Run]]) -> list[Figure]:
    """Ours over each of the others, by medians: at most 1 is to be ahead."""
    rows = []
    for way in [way for way in runs if way != "ours"]:
        for name, what in MEASURES.items():
            label, _, unit = what.partition(", ")
            ours, other = (quantile(values(runs[each], name), 0.5) for each in ("ours", way))
            rows.append(Figure(f"ours over {WAYS[way]}, {label}", ours, unit, bound=1, floor=other))
    return rows
