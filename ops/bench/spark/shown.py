"""How the benchmark of transcription is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def show_taken(
    floors: Sequence[Floor], full: Floor, taken: Sequence[Taken], cores: int, price: Price
) -> Table:
    """A column a way, so that it fits a narrow page."""
    table = Table(title=f"Transcription of {taken[0].audio_s / 60:.1f} minutes on {cores} cores")
    table.add_column("")
    for each in taken:
        table.add_column(each.way.name, justify="right")
    for name, told in ROWS.items():
        table.add_row(name, *(told(each) for each in taken))
    for shared, name in ((False, "efficiency, all cores"), (True, "of cores left by others")):
        table.add_row(name, *(f"{efficiency(each, floors, cores, shared=shared):.2f}" for each in taken))
    busy = [f"{efficiency(each, [full], cores, shared=True):.2f}" for each in taken]
    table.add_row(f"the same, over {full.processes} processes", *busy)
    costs = [
        [cost_an_hour(asked, each.audio_s, price) for asked in (each.asked, each.used)] for each in taken
    ]
    table.add_row("cost an audio hour, set aside", *(f"{aside:.4f}" for aside, _ in costs))
    table.add_row("cost an audio hour, used", *(f"{used:.4f}" for _, used in costs))
    return table


def floors_told(floors: Sequence[Floor], full: Floor, cores: int, price: Price) -> str:
    """What one process alone took, each time, and as many as there are cores."""
    audio_s = sum(floor.audio_s for floor in floors)
    left = " and ".join(f"{floor.core_s(cores, shared=True) * HOUR_S:.0f}" for floor in floors)
    cpu = sum(floor.cpu_s for floor in floors) / audio_s * HOUR_S
    at_once = f"{full.processes} at once: {full.core_s(cores, shared=True) * HOUR_S:.0f} core-seconds"
    return (
        f"One process alone, {audio_s / len(floors):.0f} s of audio: {left} core-seconds an audio hour, "
        f"{cpu:.0f} of the processor's; {floor_cost(floors, price):.4f} an audio hour. {at_once}"
    )


ROWS: dict[str, Callable[[Taken], str]] = {
    "run, s": lambda each: f"{each.total_s:.0f}",
    "at work, s": lambda each: f"{each.work_s:.0f}",
    "start-up's share": lambda each: f"{100 * each.start_share:.0f} %",
    "pods": lambda each: str(each.pods),
    "cores used by others": lambda each: f"{each.others:.2f}",
    "CPU s an audio hour": lambda each: f"{each.cpu_s / each.audio_s * HOUR_S:.0f}",
}


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
