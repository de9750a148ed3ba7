"""`make bench-spark`: measure Spark on an environment that is up; print a table each, keep it as JSON."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ops.bench.spark import fleet, slope, transcribe
from ops.bench.spark.compare import compare
from ops.bench.spark.launch import launch
from ops.bench.spark.single import Benchmark, run
from ops.console import console

BENCHMARKS: dict[str, Benchmark] = {
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
    run(env, {name: BENCHMARKS[name] for name in chosen})


if __name__ == "__main__":
    typer.run(main)
