"""One benchmark: as a command of its own, for what the common command has no option for, and its record."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from infra.shared.paths import REPOSITORY
from ops.bench.measure import Figure
from ops.bench.table import table
from ops.console import Steps, console
from ops.environment import Environment, NotUpError


def single(name: str, env: str, benchmark: Callable[[Environment], list[Figure]]) -> None:
    """Run it as the common command does."""
    try:
        environment = Environment.load(env)
    except NotUpError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    with Steps(1).step(name):
        figures = benchmark(environment)
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
