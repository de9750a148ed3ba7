"""How the benchmark of transcription is shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from infra.platform.spark_settings import Price
from ops.bench.spark.accounts import Floor, Taken, cost_an_hour, efficiency, floor_cost
from ops.bench.spark.model import HOUR_S, NodePool, Rates, needs, pays_from_s
from ops.bench.spark.ways import EXECUTOR_MIB
from ops.console import console

AUDIO_HOURS = 1000.0
NODES = (1, 2, 4, 8, 16, 32)
NODE_CORES, NODE_GIB = 8, 32.0
"""A node of the general kind, as clouds have them: 4 GiB a core."""

COLUMNS = (
    "way",
    "run s",
    "at work s",
    "start-up",
    "others' cores",
    "efficiency",
    "of cores left",
    "CPU s / audio h",
    "pods",
    "set aside / audio h",
    "used / audio h",
)


def show_taken(floors: Sequence[Floor], taken: Sequence[Taken], cores: int, price: Price) -> Table:
    """A row a way; the first is one process alone."""
    table = Table(title=f"Transcription of {taken[0].audio_s / 60:.1f} minutes on {cores} cores")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "way" else "right")
    alone = ", ".join(f"{floor.core_s(cores, shared=True) * HOUR_S:.0f}" for floor in floors)
    cpu = sum(floor.cpu_s for floor in floors) / sum(floor.audio_s for floor in floors) * HOUR_S
    table.add_row(
        f"one process (core-s / audio h: {alone})",
        *("", "", "", "", "1.00", "1.00", f"{cpu:.0f}", "1", "", f"{floor_cost(floors, price):.5f}"),
    )
    for each in taken:
        table.add_row(
            each.way.name,
            f"{each.total_s:.0f}",
            f"{each.work_s:.0f}",
            f"{100 * each.start_share:.0f} %",
            f"{each.others:.2f}",
            f"{efficiency(each, floors, cores, shared=False):.2f}",
            f"{efficiency(each, floors, cores, shared=True):.2f}",
            f"{each.cpu_s / each.audio_s * HOUR_S:.0f}",
            f"{each.pods}",
            f"{cost_an_hour(each.asked, each.audio_s, price):.5f}",
            f"{cost_an_hour(each.used, each.audio_s, price):.5f}",
        )
    return table


def show_model(rates: Rates, price: Price) -> None:
    """What many hours need, and from when on Spark pays."""
    pool = NodePool(NODE_CORES, NODE_GIB, price.vcpu_hour, price.gib_hour)
    table = Table(
        title=f"{AUDIO_HOURS:.0f} hours of audio on nodes of {NODE_CORES} cores and {NODE_GIB:.0f} GiB, "
        f"{pool.node_hour:.3f} an hour each, by the model"
    )
    for name in ("nodes", "executors", "hours", "cost"):
        table.add_column(name, justify="right")
    for need in needs(rates, pool, AUDIO_HOURS, NODES, EXECUTOR_MIB / 1024):
        table.add_row(str(need.nodes), str(need.executors), f"{need.hours:.2f}", f"{need.cost:.2f}")
    console.print(table)
    console.print(f"It goes by {rates}", markup=False)
    for cores in (1, 2, 8, 32, 128):
        from_s = pays_from_s(rates, cores)
        told = f"from {from_s / 60:.0f} minutes of audio on" if from_s else "at no size that was looked at"
        console.print(f"On {cores} cores Spark is faster than mapped pods {told}.", markup=False)
