"""The application of the benchmark `launch`: the driver itself tells when what was there, until its first
executor was; and, on request, how long a bare pod takes that only is such an executor.

All times are seconds of the clock, of one node: processes' starts are known to 10 ms, Spark's to 1 ms.
"""

from __future__ import annotations

import copy
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from switchboard_spark.background import in_background
from switchboard_spark.kube import Api
from switchboard_spark.observed import life_of, listed
from switchboard_spark.pods import DRIVER_LABEL
from switchboard_spark.session import preparation, spark_session

if TYPE_CHECKING:
    from pyspark import SparkContext

Object = dict[str, Any]

FIRST = "1"
"""The container's first process: its start is the container's."""

BARE_IDS = 1000
"""Executors from here on are bare pods: Spark counts its own from 1."""

BARE = {"app.kubernetes.io/component": "spark-executor", "switchboard/bench": "bare"}
"""Labels of bare pods: the network policies' and none of Spark's, which so takes no care of them."""

BARE_SELECTOR = "switchboard/bench=bare"
WATCH_S, WITHIN_S, POLL_S = 60, 60.0, 0.1


def launch(bare: int = 0, watched: bool = False) -> dict[str, Any]:
    """Wait for the first executor; then start `bare` pods that are one, one after the other.

    `watched`: also tell when Kubernetes had which part of the executor's pod; watching takes some of the time
    that is measured.
    """
    times = {"container": started(FIRST), "python": started("self"), "application": time.time()}
    api = Api(os.environ["POD_NAMESPACE"])
    selector = f"{DRIVER_LABEL}={os.environ['POD_UID']}"
    seen: dict[str, float] = {}
    if watched:
        in_background(lambda: watch(api, selector, seen), "bench-watch")
    context = spark_session().sparkContext
    times |= {"session": time.time(), "context": (context.startTime or 0) / 1000}
    # A task waits for an executor, and tells of its container
    times["executor_container"] = context.parallelize([FIRST], 1).map(started).first()
    if preparation.java:
        times["java"] = started(str(preparation.java.process.pid))
    times["registered"] = min(registered(context).values())
    times |= seen
    return {"times": times, "bare": [bare_pod(context, api, selector, number) for number in range(bare)]}


def started(process: str, proc: Path = Path("/proc")) -> float:
    """When a process of this container began: field 22 of its `stat`, in ticks since the machine's start."""
    fields = (proc / process / "stat").read_text().rpartition(")")[2].split()
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age_s


def registered(context: SparkContext) -> dict[str, float]:
    """When each executor registered."""
    executors, _ = listed(context)
    return {name: at for name, at, _ in map(life_of, executors) if name != "driver"}


def watch(api: Api, selector: str, seen: dict[str, float]) -> None:
    """Note when the first executor's pod was made, had a node, and was said to run."""
    _, version = api.pods(selector)
    for change in api.changes(selector, version, WATCH_S):
        now = time.time()
        for stage in stages(change["object"]):
            seen.setdefault(stage, now)
        if "running" in seen:
            return


def stages(pod: Object) -> list[str]:
    """How far a pod is."""
    node = ["scheduled"] if pod["spec"].get("nodeName") else []
    containers = pod["status"].get("containerStatuses") or []
    running = ["running"] if any("running" in each.get("state", {}) for each in containers) else []
    return ["requested", *node, *running]


def bare_pod(context: SparkContext, api: Api, selector: str, number: int) -> float:
    """Seconds from asking for a pod like the first executor's until it registered. Raises TimeoutError."""
    (executor, *_), _ = api.pods(selector)
    name = str(BARE_IDS + number)
    pod = bare_copy(executor, name)
    asked = time.time()
    api.create(pod)
    until(lambda: name in registered(context), f"bare executor {name} has not registered")
    took_s = registered(context)[name] - asked
    api.delete_pods(BARE_SELECTOR)
    until(lambda: not api.pods(BARE_SELECTOR)[0], f"bare executor {name} has not gone")
    return took_s


def bare_copy(executor: Object, name: str) -> Object:
    """A pod with the image, command, resources and surroundings of an executor, under another id."""
    spec = copy.deepcopy(executor["spec"])
    for key in ("nodeName", "hostname", "priority", "preemptionPolicy"):
        spec.pop(key, None)
    spec["terminationGracePeriodSeconds"] = 0
    (container,) = spec["containers"]
    container.pop("lifecycle", None)  # hands over what it holds, which is nothing
    for variable in container["env"]:
        if variable["name"] == "SPARK_EXECUTOR_ID":
            variable["value"] = name
    about = {
        "name": f"bench-bare-{os.environ['POD_UID'][:8]}-{name}",
        "labels": BARE,
        "ownerReferences": executor["metadata"]["ownerReferences"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def until(there: Any, otherwise: str) -> None:
    """Wait. Raises TimeoutError."""
    deadline = time.monotonic() + WITHIN_S
    while not there():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {WITHIN_S:.0f} s")
        time.sleep(POLL_S)
