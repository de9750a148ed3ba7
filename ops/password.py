"""`make password`: how to log in. The only command that prints a secret."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.console import console
from ops.environment import Environment


def main(env: Annotated[str, typer.Option(help="the environment")] = "local") -> None:
    """Print Airflow's address, user and password."""
    platform = Environment.load(env).platform
    for label, key in (
        ("url", "airflow_url"),
        ("user", "airflow_admin_user"),
        ("password", "airflow_admin_password"),
    ):
        console.print(f"{label:<9} {platform[key]}", markup=False)


if __name__ == "__main__":
    typer.run(main)
