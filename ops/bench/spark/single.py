"""One benchmark as a command of its own, for what the common command has no option for."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ops.bench.measure import Figure
from ops.bench.table import table
from ops.console import Steps, console
from ops.environment import Environment, NotUpError


def single(name: str, env: str, benchmark: Callable[[Environment], list[Figure]]) -> None:
    """Run it as the common command does."""
    from ops.bench.spark.__main__ import keep  # it imports every benchmark

    try:
        environment = Environment.load(env)
    except NotUpError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    with Steps(1).step(name):
        figures = benchmark(environment)
    console.print(table(figures))
    keep(name, figures)
