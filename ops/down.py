"""`make down`: remove an environment and all that it left on this machine."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from infra.shared.command import CommandError
from infra.shared.stack import Stack, StackInUseError
from ops.console import Steps, clock, console, detail, make


def take_down(env: str, steps: Steps) -> None:
    """Destroy both stacks: what runs, then where it runs."""
    with steps.step("pulumi destroy: Airflow, the DAG repository and what they need"):
        Stack("platform", env, detail).destroy()
    with steps.step("pulumi destroy: the cluster, the image registry, the object store"):
        Stack("cluster", env, detail).destroy()


def main(env: Annotated[str, typer.Option(help="the environment")] = "local") -> None:
    """Remove ENV. KEEP_DATA=1 in the environment keeps what the object store holds."""
    started = time.monotonic()
    try:
        take_down(env, Steps(2))
    except (CommandError, StackInUseError) as error:
        console.print(f"\n✗ {error}", style="red", markup=False)
        console.print(f"`{make('down', env)}` again goes on from here.", markup=False)
        sys.exit(1)
    kept = " (the object store's data were kept)" if os.environ.get("KEEP_DATA") else ""
    took = clock(time.monotonic() - started)
    again = make("up", env)
    console.print(f"Down in {took}: nothing of {env} is left{kept}. `{again}` makes it again.", markup=False)


if __name__ == "__main__":
    typer.run(main)
