"""`launch`: from a task's pod running to its first executor, over a bare pod that only is that executor.

Airflow makes the task's pod once. Copies of it are what is measured, so that many start in the same moment,
and neither Airflow's workers nor its pool have a share in it. Each tells its own times (`bench_launch`).
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, NamedTuple

import psutil

from ops.bench.measure import NAMESPACE, Figure, quantile
from ops.bench.spark import stand
from ops.bench.spark.cpu import Meter, Used
from ops.bench.spark.pushed import pushed
from ops.bench.spark.timeline import Times, launch_s, split_table
from ops.console import console, detail
from ops.environment import Environment

Pod = dict[str, Any]

DAG_ID, PATH = "bench_launch", "speech/bench_launch.py"
DAG = '''"""A Spark task whose driver tells when its first executor was there."""

import json
import os

from airflow.sdk import DAG
from switchboard_spark.operator import SparkTaskOperator

# Ten at once have to fit on two cores
LITTLE = {
    "driver_cpu_request_millicores": 20,
    "driver_memory_mib": 896,
    "executor_cpu_request_millicores": 20,
    "executor_memory_mib": 896,
}
SPARK = json.loads(os.environ["SWITCHBOARD_SPARK"])
SPARK["sizes"]["bench"] = {**SPARK["sizes"]["small"], **LITTLE}
os.environ["SWITCHBOARD_SPARK"] = json.dumps(SPARK)

with DAG("bench_launch", schedule=None, tags=["bench"]):
    app = SparkTaskOperator(
        task_id="app", application="bench_launch:launch", image="spark-example", size="bench", retries=0
    )
    app.image = "IMAGE"
'''

SINGLES, WATCHED = 11, 3
AT_ONCE = {4: 3, 10: 2}
"""How many launches at once, and how often."""

FACTOR = 1.5
"""The aim: at most so many times a bare pod."""

FLAT = 1.1
"""The aim for processor time: a launch among many takes hardly more of it than one alone."""

COPIES = "switchboard/bench=launch"
DRIVER, EXECUTOR = (f"app.kubernetes.io/component=spark-{part}" for part in ("driver", "executor"))
WITHIN_S = 420


@dataclass(frozen=True)
class Round:
    """Launches that began in the same moment."""

    launches: Sequence[Times]
    bare_s: Sequence[float]
    used: Used


class Pair(NamedTuple):
    """A launch alone, and many at once right after it: the machine's speed changes by the minute."""

    alone: Round
    many: Round


def launch(environment: Environment) -> list[Figure]:
    """Launches at 1, 4 and 10 at once, and bare pods between those of one."""
    image = stand.bench_image(environment)
    dag = DAG.replace("IMAGE", image)
    with pushed(environment, {PATH: dag}, [DAG_ID]) as airflow:
        run_id = airflow.trigger(DAG_ID, {})
        pod = driver_of(environment)
        if (state := airflow.wait(DAG_ID, run_id, WITHIN_S)) != "success":
            raise RuntimeError(f"run {run_id} of {DAG_ID} ended as {state}; its log says why")
        stand.until_gone(environment, EXECUTOR)
        meter = Meter.at_rest(environment.name)
        detail(f"at rest the cluster's pods keep {meter.rest_cores:.2f} cores busy")
        singles = [at_once(environment, pod, meter, 1, bare=1) for _ in range(SINGLES)]
        watched = [at_once(environment, pod, meter, 1, watched=True) for _ in range(WATCHED)]
        crowds = {
            n: [Pair(*(at_once(environment, pod, meter, number) for number in (1, n))) for _ in range(r)]
            for n, r in AT_ONCE.items()
        }
    console.print(split_table([times for each in watched for times in each.launches]))
    return figures(singles, crowds, psutil.cpu_count() or 1)


def driver_of(environment: Environment) -> Pod:
    """The driver's pod of the DAG's one run, while it is there. Raises TimeoutError."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        for pod in environment.pods(NAMESPACE, f"{DRIVER},dag_id={DAG_ID}"):
            return pod
        time.sleep(0.5)
    raise TimeoutError(f"{DAG_ID} had no driver within {WITHIN_S} s")


def at_once(environment: Environment, pod: Pod, meter: Meter, number: int, **arguments: Any) -> Round:
    """Start copies of a driver, and wait until nothing of them is left."""
    before = meter.read()
    copies = [copy_of(pod, uuid.uuid4().hex[:8], arguments) for _ in range(number)]
    environment.kubectl(
        "create", "-f", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": copies})
    )
    ended = "--for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    environment.kubectl(
        *("-n", NAMESPACE, "wait", "pods", ended, "--selector", COPIES, f"--timeout={WITHIN_S}s"),
        timeout_s=WITHIN_S + 10,
    )
    told = [said(each) for each in environment.pods(NAMESPACE, COPIES)]
    stand.delete_pods(environment, COPIES)
    stand.until_gone(environment, EXECUTOR)
    result = Round(
        [each["times"] for each in told], [s for each in told for s in each["bare"]], meter.since(before)
    )
    detail(line(result))
    return result


def copy_of(pod: Pod, name: str, arguments: Mapping[str, Any]) -> Pod:
    """The same pod once more: what the cluster added to it is left out."""
    spec = copy.deepcopy(pod["spec"])
    for key in ("nodeName", "priority", "preemptionPolicy"):
        spec.pop(key, None)
    (container,) = spec["containers"]
    for holder, key in ((spec, "volumes"), (container, "volumeMounts")):
        holder[key] = [each for each in holder[key] if not each["name"].startswith("kube-api-access-")]
    container["args"][container["args"].index("--arguments") + 1] = json.dumps(arguments)
    labels = {**pod["metadata"]["labels"], "switchboard/bench": "launch"}
    about = {"name": f"bench-launch-{name}", "namespace": pod["metadata"]["namespace"], "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def said(pod: Pod) -> dict[str, Any]:
    """What a driver's function returned. Raises RuntimeError for one that failed."""
    code, message = stand.terminated(pod)
    if code:
        raise RuntimeError(f"driver {pod['metadata']['name']} ended with exit code {code}: {message}")
    result: dict[str, Any] = json.loads(message)["result"]
    return result


def line(each: Round) -> str:
    """A round, for who waits."""
    seconds = ", ".join(f"{launch_s(times):.2f}" for times in each.launches)
    bare = f"; bare {each.bare_s[0]:.2f} s" if each.bare_s else ""
    cpu = each.used.pods_s / len(each.launches)
    return f"{seconds} s{bare}; {cpu:.1f} CPU-s each; others kept {each.used.others_cores:.1f} cores busy"


def figures(singles: Sequence[Round], crowds: Mapping[int, Sequence[Pair]], cores: int) -> list[Figure]:
    """The rows. More launches at once than cores may take so many times longer. Each of `singles` has a bare
    pod beside it; processor time is compared within pairs, where no bare pod has a share in it.
    """
    bare = [seconds for each in singles for seconds in each.bare_s]
    rows = _times("1 at once", seconds_of(singles), bare, FACTOR)
    for number, pairs in crowds.items():
        many = seconds_of([pair.many for pair in pairs])
        rows += _times(f"{number} at once", many, bare, FACTOR * max(1, number / cores))
    for number, pairs in crowds.items():
        each_cpu_s = mean(pair.many.used.pods_s / number for pair in pairs)
        alone_cpu_s = mean(pair.alone.used.pods_s for pair in pairs)
        rows.append(Figure(f"{number} at once, CPU-s a launch over one", each_cpu_s, "s", FLAT, alone_cpu_s))
    return rows


def seconds_of(rounds: Sequence[Round]) -> list[float]:
    """All launches of some rounds."""
    return [launch_s(times) for each in rounds for times in each.launches]


def _times(what: str, seconds: Sequence[float], bare: Sequence[float], bound: float) -> list[Figure]:
    return [
        Figure(
            f"launch, {what}, p{share} of {len(seconds)} over a bare pod's of {len(bare)}",
            quantile(seconds, share / 100),
            "s",
            bound,
            quantile(bare, share / 100),
        )
        for share in (50, 95)
    ]
