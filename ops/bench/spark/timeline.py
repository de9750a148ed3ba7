"""Where the time of a launch goes: from the moments that its driver told to steps of driver and executor."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.table import Table

Times = Mapping[str, float]
"""Moments by name (`bench_launch.launch`), in seconds of the clock."""

Steps = tuple[tuple[str, str], ...]
"""A moment that ends a step, and what the step is. The first one begins with the driver's container."""

DRIVER: Steps = (
    ("python", "the container's first process starts Python"),
    ("application", "Python loads the driver and the application"),
    ("context", "Java starts, Python connects to it; SparkContext begins"),
)
EXECUTOR: Steps = (
    ("requested", "the driver starts Java, and asks for the first executor's pod"),
    ("scheduled", "the pod gets a node"),
    ("executor_container", "its container starts"),
    ("registered", "its Java starts, waits for the driver, connects and registers"),
)
"""What the driver does goes on beside."""

BEGIN, END = "container", "registered"


def launch_s(times: Times) -> float:
    """From the driver's container to the first executor, in seconds."""
    return times[END] - times[BEGIN]


def split(times: Times, steps: Steps) -> list[float]:
    """How long each step took, in seconds."""
    moments = [times[BEGIN], *(times[name] for name, _ in steps)]
    return [later - earlier for earlier, later in pairwise(moments)]


def split_table(launches: Sequence[Times]) -> Table:
    """The median of each step over some launches that were watched."""
    shown = Table(title=f"Where the time of a launch goes: medians of {len(launches)}")
    shown.add_column("")
    shown.add_column("step")
    shown.add_column("seconds", justify="right")
    shown.add_column("at its end", justify="right")
    for track, steps in (("driver", DRIVER), ("executor", EXECUTOR)):
        for number, (name, what) in enumerate(steps):
            took = statistics.median(split(times, steps)[number] for times in launches)
            at = statistics.median(times[name] - times[BEGIN] for times in launches)
            shown.add_row(track if not number else "", what, f"{took:.2f}", f"{at:.2f}")
        shown.add_section()
    return shown
