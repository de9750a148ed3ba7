"""One benchmark: as a command of its own, for what the common command has no option for, or several."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from ops.bench.measure import Figure
from ops.bench.table import keep, table
from ops.console import Steps, console
from ops.environment import Environment, NotUpError

Benchmark = Callable[[Environment], list[Figure]]


def single(name: str, env: str, benchmark: Benchmark) -> None:
    """Run one as the common command does."""
    run(env, {name: benchmark})


def run(env: str, benchmarks: Mapping[str, Benchmark]) -> None:
    """Run them one after the other; a table each, which is kept."""
    try:
        environment = Environment.load(env)
    except NotUpError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    steps = Steps(len(benchmarks))
    for name, benchmark in benchmarks.items():
        with steps.step(name):
            figures = benchmark(environment)
        console.print(table(figures))
        place = keep(figures, f"bench-spark-{name}.json")
        console.print(f"Kept in {place}. What it means: docs/{page_of(name)}")


def page_of(name: str) -> str:
    """The page of the documentation with this benchmark."""
    return "spark-launch.md" if name in {"launch", "compare"} else "bench-scale.md"
