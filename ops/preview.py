"""`make preview`: what the next `make up` would change in the two stacks."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from infra.shared.command import CommandError
from infra.shared.stack import Stack, StackInUseError
from ops.console import console, make


def main(env: Annotated[str, typer.Option(help="the environment")] = "local") -> None:
    """Preview both programs; the platform's needs a cluster that is up."""
    try:
        for project in ("cluster", "platform"):
            console.print(f"{project}:", style="bold")
            Stack(project, env, lambda line: console.print(line, markup=False)).preview()
    except (CommandError, StackInUseError) as error:
        console.print(f"\n✗ {error}", style="red", markup=False)
        sys.exit(1)
    console.print(f"Nothing was changed. `{make('up', env)}` applies this.", markup=False)


if __name__ == "__main__":
    typer.run(main)
