"""What a transcription of many hours needs on a given node pool, by the model.

    python -m ops.bench.spark.needs --hours 1000 --cores 8 --memory-gib 32

It goes by what `make bench-spark NAMES=transcribe` has measured last.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.platform.settings import load
from infra.platform.spark_settings import Price
from infra.shared.paths import REPOSITORY
from ops.bench.spark.model import NodePool, Rates, needs, pays_from_s
from ops.bench.spark.ways import EXECUTOR_MIB
from ops.console import console

RATES = REPOSITORY / ".build/bench-spark-rates.json"
HOURS, CORES, MEMORY_GIB = 1000.0, 8, 32.0
"""Nodes of the general kind, as clouds have them: 4 GiB a core."""

NODES = (1, 2, 4, 8, 16, 32)
PAYS_ON_CORES = (1, 2, 8, 32, 128)


def keep(rates: Rates, path: Path = RATES) -> None:
    """Leave what was measured, for later questions."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(rates), indent=1) + "\n")


def measured(path: Path = RATES) -> Rates:
    """What was measured last. Raises FileNotFoundError, with what to do."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name}: nothing was measured yet; run `make bench-spark NAMES=transcribe` (about an hour)"
        )
    return Rates(**json.loads(path.read_text()))


def show(rates: Rates, price: Price, hours: float = HOURS, pool: NodePool | None = None) -> None:
    """Hours and cost by the number of nodes, and from when on Spark pays. Raises ValueError for a node that
    has no room for one executor.
    """
    pool = pool or NodePool(CORES, MEMORY_GIB, price.vcpu_hour, price.gib_hour)
    table = Table(
        title=f"{hours:g} hours of audio on nodes of {pool.cores} cores and {pool.memory_gib:g} GiB, "
        f"{pool.node_hour:.3f} an hour each, by the model"
    )
    for name in ("nodes", "executors", "hours", "cost"):
        table.add_column(name, justify="right")
    for need in needs(rates, pool, hours, NODES, EXECUTOR_MIB / 1024):
        table.add_row(str(need.nodes), str(need.executors), f"{need.hours:.2f}", f"{need.cost:.2f}")
    console.print(table)
    console.print(f"It goes by {rates}", markup=False)
    for cores in PAYS_ON_CORES:
        from_s = pays_from_s(rates, cores)
        told = f"from {from_s / 60:.0f} minutes of audio on" if from_s else "at no size that was looked at"
        console.print(f"On {cores} cores Spark is faster than mapped pods {told}.", markup=False)


def main(
    env: Annotated[str, typer.Option(help="the environment, for its prices")] = "bench",
    hours: Annotated[float, typer.Option(help="of audio", min=0)] = HOURS,
    cores: Annotated[int, typer.Option(help="of a node", min=1)] = CORES,
    memory_gib: Annotated[float, typer.Option(help="of a node", min=0)] = MEMORY_GIB,
) -> None:
    """What so much audio needs on nodes of one kind."""
    speech = load(env).deployments["speech"]
    if speech.spark is None:
        raise typer.BadParameter(f"{env} has no Spark, and so no prices")
    price = speech.spark.prices.on_demand
    pool = NodePool(cores, memory_gib, price.vcpu_hour, price.gib_hour)
    try:
        show(measured(), price, hours, pool)
    except (FileNotFoundError, ValueError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
