"""`make spark-advice`: the sizes that a task has run with, compared; the one to choose, and why."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from infra.shared.paths import REPOSITORY
from ops.console import console
from ops.environment import Environment, NotUpError
from ops.spark_advice.advice import AdviceError, advise
from ops.spark_advice.records import NoRecordsError, find
from ops.spark_advice.show import WIDTH, plot, sentences, table
from switchboard.names import run_slug

PLOTS = REPOSITORY / ".build/spark-advice"


def main(
    dag: Annotated[str, typer.Option(help="the DAG's id")],
    task: Annotated[str, typer.Option(help="the task's id")],
    env: Annotated[str, typer.Option(help="the environment")] = "local",
    team: Annotated[str, typer.Option(help="whose task, where several teams have it")] = "",
    unit: Annotated[str, typer.Option(help="what to compare by, where runs counted several things")] = "",
    deadline: Annotated[
        float, typer.Option(min=0, help="seconds within which a run has to end; 0: no matter when")
    ] = 0,
) -> None:
    """Compare the sizes that TASK of DAG has run with in ENV."""
    try:
        environment = Environment.load(env)
        logs = environment.cluster.object_store.buckets["logs"]
        records = find(environment.s3, logs, environment.platform["namespaces"], dag, task, team)
        advice = advise(records, unit, deadline or None)
    except (NotUpError, NoRecordsError, AdviceError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    file = PLOTS / f"{run_slug(dag)}.{run_slug(task)}.png"
    plot(advice, f"{dag}.{task} in {env}: {sum(len(size.runs) for size in advice.sizes)} runs", file)
    console.width = max(console.width, WIDTH)
    console.print(table(advice))
    for sentence in sentences(advice):
        console.print(sentence, markup=False)
    console.print(f"Plot: {file.relative_to(REPOSITORY)}", markup=False)


if __name__ == "__main__":
    typer.run(main)
