"""Where the time of a launch goes: from the moments that its driver told to steps that follow each other."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.table import Table

Times = Mapping[str, float]
"""Moments by name (`bench_launch.launch`), in seconds of the clock."""

STEPS: tuple[tuple[str, str], ...] = (
    ("python", "the container's first process starts Python"),
    ("application", "Python loads the driver and the application"),
    ("context", "Java starts; the cluster is asked whether it takes executors"),
    ("requested", "SparkContext, until it asks for the executor's pod"),
    ("scheduled", "the pod gets a node"),
    ("executor_container", "its container starts"),
    ("registered", "its Java starts, connects and registers"),
)
"""A moment that ends a step, and what the step is. The first one begins with the driver's container."""

BEGIN, END = "container", "registered"


def launch_s(times: Times) -> float:
    """From the driver's container to the first executor, in seconds."""
    return times[END] - times[BEGIN]


def split(times: Times) -> list[float]:
    """How long each of `STEPS` took, in seconds; together they are the launch."""
    moments = [times[BEGIN], *(times[name] for name, _ in STEPS)]
    return [later - earlier for earlier, later in pairwise(moments)]


def split_table(launches: Sequence[Times]) -> Table:
    """The median of each step over some launches that were watched."""
    shown = Table(title=f"Where the time of a launch goes: medians of {len(launches)}")
    shown.add_column("step")
    shown.add_column("seconds", justify="right")
    shown.add_column("at its end", justify="right")
    for number, (name, what) in enumerate(STEPS):
        took = statistics.median(split(times)[number] for times in launches)
        at = statistics.median(times[name] - times[BEGIN] for times in launches)
        shown.add_row(what, f"{took:.2f}", f"{at:.2f}")
    return shown
