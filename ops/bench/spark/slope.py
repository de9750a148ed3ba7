"""Launches one after another: does anything grow with them?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from ops import images
from ops.airflow_api import AirflowApi
from ops.bench.measure import NAMESPACE, Figure
from ops.bench.rest import init_pids
from ops.bench.spark import bare, inventory
from ops.bench.spark.growth import FAR, Line, line
from ops.bench.spark.pushed import BenchError, ended_well, pushed, with_size
from ops.bench.spark.single import single
from ops.console import console, detail
from ops.environment import Environment

LAUNCHES = 100
EVERY = 10
"""Launches between two looks."""
LEAST_LOOKS = 2
"""After launches: with the one before them, a line through them has an error."""

DAG_ID, FIRST_ID = "bench_slope", "bench_slope_first"
DAGS = """
from airflow.sdk import DAG
from switchboard_spark.operator import SparkTaskOperator

for dag_id, launches in {runs}.items():
    with DAG(dag_id, schedule=None, tags=["bench"]):
        SparkTaskOperator.partial(
            task_id="pi",
            application="example:pi",
            image="spark-example",
            size="bench",
            retries=0,
            max_active_tis_per_dagrun=1,
        ).expand(arguments=[{{"partitions": 1, "throws": 1000}}] * launches)
"""
SMALLEST = {
    "executors_min": 1,
    "executors_max": 1,
    "executor_cores": 1,
    "executor_memory_mib": 896,
    "executor_cpu_request_millicores": 100,
    "driver_cpu_request_millicores": 100,
    "driver_memory_mib": 896,
    "pool_slots": 1,
}
RUN_S = 1800
SETTLE_S = 60
"""Most that is waited for the pods of the last launch to go."""
LOOK_S = 1.0

EXPECTED = frozenset(
    {"events of the cluster", "rows of task instances", "Airflow's database", "objects in the store"}
)
"""What grows by its nature: events go after an hour, event logs and records after days, and Airflow keeps the
history of its tasks.
"""

Series = dict[str, list[tuple[float, float]]]
"""What was seen, by name and unit (`kubelet, MiB`): launches so far, and the value."""


def dags(every: int) -> str:
    """A DAG of so many launches, one after another, and one of a single launch."""
    return with_size(SMALLEST, DAGS.format(runs={DAG_ID: every, FIRST_ID: 1}))


def slope(environment: Environment, launches: int = LAUNCHES, every: int = EVERY) -> list[Figure]:
    """Launch the smallest application so many times, `every` in a run, and look at the cluster between the
    runs.

    Raises ValueError for less than two runs.
    """
    if launches < LEAST_LOOKS * every:
        raise ValueError(f"launches={launches} is no slope: take {LEAST_LOOKS * every}, or a smaller `every`")
    bare.pull(environment, [images.pinned(environment.name)["spark-example"]])
    seen: Series = {}
    path = "speech/bench_slope.py"
    pids = init_pids(environment.name)
    with pushed(environment, {path: dags(every)}, [DAG_ID, FIRST_ID]) as airflow:
        ended_well(
            airflow, FIRST_ID, airflow.trigger(FIRST_ID, {}), RUN_S
        )  # what is loaded once is no growth
        _settle(environment)
        _look(environment, seen, 0)
        for done in range(every, launches + 1, every):
            _run(airflow, pids, seen, done - every)
            _settle(environment)
            _look(environment, seen, done)
            detail(f"{done} launches")
    lines = [fitted(name, points) for name, points in seen.items()]
    console.print(shown(lines, launches))
    return [each.figure() for each in lines if each.what not in EXPECTED]


def fitted(name: str, points: list[tuple[float, float]]) -> Line:
    """The line through what was seen of something."""
    what, _, unit = name.partition(", ")
    return line(what, unit, [launches for launches, _ in points], [value for _, value in points])


def _run(airflow: AirflowApi, pids: Sequence[int], seen: Series, before: int) -> None:
    """Launches, one after another; how long each took, and the environment of one's driver."""
    with _driver_seen(pids) as variables:
        run_id = airflow.trigger(DAG_ID, {})
        ended_well(airflow, DAG_ID, run_id, RUN_S)
    if not variables:
        raise BenchError(f"no driver of run {run_id} was seen among this machine's processes")
    count, size = inventory.environment_size(variables)
    _add(seen, before + 1, {"variables of a driver": count, "environment of a driver, B": size})
    tasks = airflow.get(f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances", limit=100)["task_instances"]
    for number, task in enumerate(sorted(tasks, key=lambda task: str(task["start_date"])), start=before + 1):
        _add(seen, number, {"time of a launch, s": _duration_s(task)})


def _duration_s(task: dict[str, Any]) -> float:
    times = [datetime.fromisoformat(task[name]) for name in ("start_date", "end_date")]
    return (times[1] - times[0]).total_seconds()


def _settle(environment: Environment) -> None:
    """Wait until the pods of the launches have gone: what is still there then counts."""
    deadline = time.monotonic() + SETTLE_S
    while environment.pods(NAMESPACE, f"dag_id in ({DAG_ID}, {FIRST_ID})") and time.monotonic() < deadline:
        time.sleep(1)


def _look(environment: Environment, seen: Series, launches: int) -> None:
    values = {
        **inventory.sums(inventory.objects(environment)),
        **inventory.memory(environment),
        "etcd's database in use, MiB": inventory.etcd_mib(environment),
        **inventory.airflow_rows(environment),
        **inventory.stored(environment),
    }
    _add(seen, launches, values)


def _add(seen: Series, launches: float, values: dict[str, float]) -> None:
    for name, value in values.items():
        seen.setdefault(name, []).append((launches, value))


@contextmanager
def _driver_seen(pids: Sequence[int]) -> Iterator[dict[str, str]]:
    """The environment of the first driver that is seen from now on, once there was one."""
    found: dict[str, str] = {}
    stop = threading.Event()

    def look() -> None:
        while not found and not stop.wait(LOOK_S):
            found.update(inventory.driver_environment(pids) or {})

    thread = threading.Thread(target=look, name="driver-environment", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def shown(lines: list[Line], launches: int) -> Table:
    """A row for everything that was looked at."""
    title = f"{launches} launches one after another: growth at the {FAR}th"
    table = Table(title=title, box=None, padding=(0, 1, 0, 0))
    for name in ("what", "start", "end", "a launch ± error", "2nd half", "growth", "verdict"):
        text = name == "what"
        table.add_column(name, justify="left" if text else "right", no_wrap=not text)
    for each in lines:
        table.add_row(
            f"{each.what} {each.unit}".rstrip(),
            f"{each.start:.1f}",
            f"{each.last:.1f}",
            f"{each.slope:.2g} ± {each.error:.1g}",
            f"{each.late:.2g}",
            f"{100 * each.growth:.0f} %",
            "expected" if each.what in EXPECTED and not each.is_flat else each.verdict,
        )
    return table


def main(
    env: Annotated[str, typer.Option(help="the environment")] = "bench",
    launches: Annotated[int, typer.Option(help="one after another")] = LAUNCHES,
    every: Annotated[int, typer.Option(help="launches between two looks")] = EVERY,
) -> None:
    """The benchmark alone, with as many launches as wanted."""
    single("slope", env, lambda environment: slope(environment, launches, every))


if __name__ == "__main__":
    typer.run(main)
