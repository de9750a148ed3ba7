"""`make bench-spark`: measure Spark on an environment that is up; print a table each, keep it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ops.bench.measure import Figure
from ops.bench.spark import fleet, slope, transcribe
from ops.bench.spark.compare import compare
from ops.bench.spark.launch import launch
from ops.bench.spark.single import keep
from ops.bench.table import table
from ops.console import Steps, console
from ops.environment import Environment, NotUpError

BENCHMARKS: dict[str, Callable[[Environment], list[Figure]]] = {
    "launch": launch,
    "compare": compare,
    "fleet": fleet.fleet,
    "slope": slope.slope,
    "transcribe": transcribe.transcribe,
}
"""By the names that the command takes."""


def main(
    names: Annotated[list[str] | None, typer.Argument(help="which of them; none: all")] = None,
    env: Annotated[str, typer.Option(help="the environment")] = "bench",
) -> None:
    """Measure ENV: it must be up, and nobody else should be using it."""
    chosen = names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        console.print(f"✗ no benchmark {unknown[0]!r}: choose of {', '.join(BENCHMARKS)}", style="red")
        sys.exit(2)
    try:
        environment = Environment.load(env)
    except NotUpError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    steps = Steps(len(chosen))
    for name in chosen:
        with steps.step(name):
            figures = BENCHMARKS[name](environment)
        console.print(table(figures))
        keep(name, figures)


if __name__ == "__main__":
    typer.run(main)
