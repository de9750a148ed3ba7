"""`make bench`: measure an environment that is up; print the table, keep it as JSON."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ops import images
from ops.bench import measure, rest
from ops.bench.measure import Figure
from ops.bench.table import keep, table
from ops.console import Steps, console
from ops.environment import Environment, NotUpError


def main(
    env: Annotated[str, typer.Option(help="the environment")] = "local",
    pushes: Annotated[int, typer.Option(help="DAG pushes to time")] = 20,
) -> None:
    """Measure ENV: it must be up, and nobody else should be using it."""
    try:
        environment = Environment.load(env)
    except NotUpError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    steps = Steps(5)
    figures: list[Figure] = []
    with steps.step("the platform at rest, 60 s"):
        figures += rest.at_rest(rest.init_pids(env))
    with steps.step(f"{pushes} DAG pushes"):
        figures.append(measure.push_to_visible(environment, pushes))
    with steps.step("a stage task against a bare pod"):
        figures.append(measure.task_over_pod(environment, images.pinned(env)["stage-base"]))
        measure.remove_dag(environment)
    with steps.step("pulumi up with nothing to do"):
        figures.append(measure.nothing_to_do(env))
    with steps.step("make up again"):
        figures.append(measure.up_again(env))
    console.print(table(figures))
    console.print(
        f"Kept in {keep(figures, 'bench.json')}. docs/operate.md says what to do about a missed aim. "
        "Spark is measured on an environment of its own: make up ENV=bench, then make bench ENV=bench."
    )


if __name__ == "__main__":
    typer.run(main)
