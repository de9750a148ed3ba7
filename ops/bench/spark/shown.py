"""How the benchmark of transcription is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from infra.platform.spark_settings import Price
from ops.bench.spark.accounts import Floor, Taken, cost_an_hour, efficiency, floor_cost
from ops.bench.spark.model import HOUR_S


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
