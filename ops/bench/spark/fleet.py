"""One driver with 500 executors on nodes that are only played, against as many pods that one client makes.

No executor really runs, so none registers with the driver: it holds its session and starts no job. What is
measured is asking for executors, watching them, and removing them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from kubernetes import client
from rich.table import Table

from ops import images
from ops.bench.measure import NAMESPACE, Figure
from ops.bench.spark import api_load, bare
from ops.bench.spark.api_load import Phase
from ops.bench.spark.fake_nodes import POOL, TAINT, fake_nodes
from ops.bench.spark.pods import Life, PodWatch, api_of
from ops.bench.spark.pushed import BenchError, ended_well, pushed, with_size
from ops.bench.spark.single import single
from ops.console import console, detail
from ops.environment import Environment
from switchboard_spark.pods import DRIVER_LABEL

EXECUTORS, NODES = 500, 10
HOLD_S = 90
REST_S = 20.0
RUN_S = 900
WITHIN_S = 300
GONE_AIM_S = 30
"""A Spark task leaves nothing 30 s after its end."""

DAG_ID = "bench_fleet"
DAG = f'''
from airflow.sdk import DAG
from switchboard_spark.operator import SparkTaskOperator

with DAG("{DAG_ID}", schedule=None, tags=["bench"]):
    SparkTaskOperator(
        task_id="hold",
        application="example:sleep",
        arguments={{"seconds": {HOLD_S}, "on_driver": True}},
        image="spark-example",
        size="bench",
        retries=0,
    )
'''
POOLS = {"general-spot": {"labels": POOL, "taints": [TAINT]}}
"""Executors that may be taken away go to the spot nodes of the driver's pool, and the driver does not."""

BARE = {"switchboard.dev/bench": "bare"}


@dataclass(frozen=True)
class Crowd:
    """Many pods, from the first asked for to the last that went, and the API server's load meanwhile."""

    name: str
    lives: Sequence[Life]
    load: Phase

    def after_s(self, what: str, share: float = 1.0) -> float:
        """Seconds from the first pod asked for until a share of them were `created`, `placed` or `running`.

        Raises BenchError where they never were.
        """
        began = min(life.created for life in self.lives)
        return self._last(what, share) - began

    @property
    def gone_s(self) -> float:
        """Seconds from the first pod asked to go until all were gone."""
        leaving = [life.leaving or life.gone for life in self.lives]
        return self._last("gone", 1.0) - min(each for each in leaving if each)

    def _last(self, what: str, share: float) -> float:
        times = sorted(time for life in self.lives if (time := getattr(life, what)) is not None)
        wanted = round(share * len(self.lives))
        if len(times) < wanted:
            raise BenchError(f"{self.name}: only {len(times)} of {wanted} pods were ever {what}")
        return float(times[wanted - 1])


def size(executors: int) -> dict[str, object]:
    """Executors of a whole core each, all of them from the start."""
    return {
        "executors_min": executors,
        "executors_max": executors,
        "executor_cores": 1,
        "executor_memory_mib": 1024,
        "executor_cpu_request_millicores": 1000,
        "driver_cpu_request_millicores": 200,
        "driver_memory_mib": 1536,
        "spot": True,
        "pool_slots": 1,
    }


def fleet(environment: Environment, executors: int = EXECUTORS) -> list[Figure]:
    """Measure a driver with so many executors, then as many pods of the same kind that no driver made."""
    bare.pull(environment, [images.pinned(environment.name)["spark-example"]])
    files = {"speech/bench_fleet.py": with_size(size(executors), DAG, POOLS)}
    with fake_nodes(environment, NODES):
        with _loaded(environment) as rest:
            time.sleep(REST_S)
        with pushed(environment, files, [DAG_ID]) as airflow:
            own = _with_driver(environment, airflow, executors)
        others = without_driver(environment, own.lives[0].pod, executors)
    _show(rest[0], [own, others])
    return figures(rest[0], own, others)


def _with_driver(environment: Environment, airflow: Any, executors: int) -> Crowd:
    """A run of the DAG."""
    watching = PodWatch(api_of(environment), NAMESPACE, f"{DRIVER_LABEL},dag_id={DAG_ID}")
    with watching as watch, _loaded(environment) as load:
        ended_well(airflow, DAG_ID, airflow.trigger(DAG_ID, {}), RUN_S)
        _until(lambda: _gone(watch, executors), f"{executors} executors have been there and are gone")
        seen = watch.seen()
    detail(f"{len(seen)} executors of one driver have come and gone")
    return Crowd("one driver", seen, load[0])


def without_driver(environment: Environment, like: Mapping[str, Any], executors: int) -> Crowd:
    """As many pods like an executor, made by one client, one after the other."""
    api = api_of(environment)
    made = copy_of(like)
    selector = ",".join(f"{name}={value}" for name, value in BARE.items())
    with PodWatch(api, NAMESPACE, selector) as watch, _loaded(environment) as load:
        try:
            for _ in range(executors):
                api.create_namespaced_pod(NAMESPACE, made)
            _until(
                lambda: sum(life.running is not None for life in watch.seen()) >= executors,
                f"{executors} bare pods run",
            )
        finally:
            api.delete_collection_namespaced_pod(
                NAMESPACE, label_selector=selector, body=client.V1DeleteOptions(grace_period_seconds=0)
            )
        _until(lambda: _gone(watch, executors), f"{executors} bare pods are gone")
        seen = watch.seen()
    return Crowd("one client", seen, load[0])


def copy_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A pod of the same spec that nobody owns, to be placed anew."""
    spec = {name: value for name, value in pod["spec"].items() if name not in {"nodeName", "hostname"}}
    metadata = {"generateName": "bench-bare-", "labels": BARE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _gone(watch: PodWatch, count: int) -> bool:
    lives = watch.seen()
    return len(lives) >= count and all(life.gone is not None for life in lives)


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        if time.monotonic() > deadline:
            raise BenchError(f"not true after {WITHIN_S} s: {what}")
        time.sleep(0.2)


@contextmanager
def _loaded(environment: Environment) -> Iterator[list[Phase]]:
    """The API server's load during the body, in the list once that is over."""
    phases: list[Phase] = []
    before, began = api_load.read(environment), time.monotonic()
    yield phases
    phases.append(api_load.between(before, api_load.read(environment), time.monotonic() - began))


def figures(rest: Phase, own: Crowd, others: Crowd) -> list[Figure]:
    """What a driver's executors took, over what bare pods did."""
    count = len(own.lives)
    rest_cores, rest_rate = rest.cpu_s / rest.seconds, rest.total / rest.seconds

    def above(crowd: Crowd) -> tuple[float, float]:
        """CPU milliseconds and requests a pod, above those at rest."""
        load, pods = crowd.load, len(crowd.lives)
        cpu = (load.cpu_s - rest_cores * load.seconds) / pods * 1000
        return cpu, (load.total - rest_rate * load.seconds) / pods

    (cpu, requests), (cpu_floor, requests_floor) = above(own), above(others)
    return [
        Figure(
            f"{count} executors asked for to running",
            own.after_s("running"),
            "s",
            2,
            others.after_s("running"),
        ),
        Figure(f"{count} executors asked to go to gone", own.gone_s, "s", GONE_AIM_S),
        Figure(f"{count} executors to gone ÷ bare pods", own.gone_s, "s", 2, others.gone_s),
        Figure("API server, CPU an executor", cpu, "ms", 2, cpu_floor),
        Figure("API server, requests an executor", requests, "", 2, requests_floor),
        Figure("API server, slowest request in 100", own.load.p99_s or 0.0, "s", 2, others.load.p99_s),
        Figure("requests refused (429)", own.load.refused, "", 0),
    ]


def _show(rest: Phase, crowds: Sequence[Crowd]) -> None:
    table = Table(
        title=f"{len(crowds[0].lives)} pods on {NODES} nodes that nobody has; seconds from the first"
    )
    for name in ("who", "asked for 50 %", "all", "placed", "running 50 %", "all", "to gone"):
        table.add_column(name, justify="left" if name == "who" else "right")
    for crowd in crowds:
        times = [("created", 0.5), ("created", 1.0), ("placed", 1.0), ("running", 0.5), ("running", 1.0)]
        shown = [f"{crowd.after_s(what, share):.1f}" for what, share in times]
        table.add_row(crowd.name, *shown, f"{crowd.gone_s:.1f}")
    console.print(table)
    for name, load in [("at rest", rest), *((crowd.name, crowd.load) for crowd in crowds)]:
        busiest = ", ".join(f"{what} {count:.0f}" for what, count in load.busiest)
        cores, rate = load.cpu_s / load.seconds, load.total / load.seconds
        console.print(
            f"API server, {name}: {cores:.2f} cores and {rate:.1f} requests a second for "
            f"{load.seconds:.0f} s, 99 in 100 of them within {load.p99_s} s; {busiest}",
            markup=False,
        )


def main(
    env: Annotated[str, typer.Option(help="the environment")] = "bench",
    executors: Annotated[int, typer.Option(help="of one driver")] = EXECUTORS,
) -> None:
    """The benchmark alone, with as many executors as wanted."""
    single("fleet", env, lambda environment: fleet(environment, executors))


if __name__ == "__main__":
    typer.run(main)
