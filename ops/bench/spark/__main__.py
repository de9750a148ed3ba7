"""`make bench-spark`: measure Spark on an environment that is up; print a table each, keep it as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from infra.shared.paths import REPOSITORY
from ops.bench.measure import Figure
from ops.bench.spark import fleet, slope, transcribe
from ops.bench.spark.compare import compare
from ops.bench.spark.launch import launch
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


def page_of(name: str) -> str:
    """The page of the documentation with this benchmark."""
    return "spark-launch.md" if name in {"launch", "compare"} else "bench-scale.md"


def keep(name: str, figures: list[Figure]) -> None:
    """Write what was measured."""
    record = REPOSITORY / f".build/bench-spark-{name}.json"
    record.parent.mkdir(exist_ok=True)
    kept = {"at": datetime.now(UTC).isoformat(), "figures": [each.as_json() for each in figures]}
    record.write_text(json.dumps(kept, indent=1))
    console.print(f"Kept in {record.relative_to(REPOSITORY)}. What it means: docs/{page_of(name)}")


if __name__ == "__main__":
    typer.run(main)
