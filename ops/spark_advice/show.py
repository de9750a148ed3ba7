"""Advice as people read it: a table, some sentences, a plot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.table import Table

from ops.spark_advice.advice import Advice, Seen

MIB = 2**20
COLUMNS: dict[str, JustifyMethod] = {
    "size": "left",
    "executors": "left",
    "of MiB": "right",
    "mean": "right",
    "runs": "right",
    "seconds": "right",
    "{currency}": "right",
    "start-up": "right",
    "memory": "right",
    "spilled": "right",
    "front": "center",
}
WIDTH = 110
"""Characters of the table, so that it is whole in a file and in a narrow terminal, too."""

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 5.0, 120
MARGIN = 1.1


def table(advice: Advice) -> Table:
    """A line a size, from cheap to dear."""
    title = f"Per {advice.unit.label}; medians over the runs that ended well"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))
    for heading, justify in COLUMNS.items():
        shown.add_column(heading.format(currency=advice.currency), justify=justify, no_wrap=True)
    for size in advice.sizes:
        shown.add_row(*_cells(size, advice), style="bold green" if size is advice.recommended else "")
    return shown


def sentences(advice: Advice) -> Iterator[str]:
    """What is recommended and why, what speaks against it, and what was left out."""
    best = advice.recommended
    yield f"Recommended: {best.name}. Why: {advice.reason}."
    for size in advice.sizes:
        for warning in size.warnings:
            yield f"Warning: {size.name}: {warning}."
    if best.spilled_bytes:
        yield (
            f"It spills {best.spilled_bytes / MIB:,.0f} MiB to disk in a run: more memory, or more "
            "partitions, may make it faster."
        )
    for note in advice.notes:
        yield f"Note: {note}."


def _cells(size: Seen, advice: Advice) -> list[str]:
    what, failed = size.size, sum(size.failures.values())
    cells = [
        size.name,
        f"{what.executors_min}-{what.executors_max} × {what.executor_cores}{' spot' if what.spot else ''}",
        f"{what.executor_memory_mib:,}",
        f"{size.mean_executors:.1f}" if size.runs else "",
        f"{len(size.runs)}{f' of {len(size.runs) + failed}' if failed else ''}",
    ]
    if not size.runs:
        return cells
    return [
        *cells,
        f"{size.point.duration_s:,.1f}",
        f"{size.point.cost:.3g}",
        f"{size.startup_share:.0%}",
        "?" if size.memory_share is None else f"{size.memory_share:.0%}",
        f"{size.spilled_bytes / MIB:,.0f} MiB" if size.spilled_bytes else "",
        "●" if size in advice.front else "",
    ]


def plot(advice: Advice, title: str, file: Path) -> None:
    """Write a PNG: every run small, each size's median large, the front as a line."""
    from matplotlib.figure import Figure  # a second to import

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for number, size in enumerate(size for size in advice.sizes if size.runs):
        colour, best = f"C{number}", size is advice.recommended  # matplotlib's own series of colours
        axes.scatter(
            [run.duration_s for run in size.runs],
            [run.cost for run in size.runs],
            s=12,
            alpha=0.4,
            color=colour,
        )
        axes.scatter(
            size.point.duration_s,
            size.point.cost,
            s=110,
            color=colour,
            edgecolors="black" if best else "none",
            linewidths=2,
            label=f"{size.name} (recommended)" if best else size.name,
        )
    front = [size.point for size in advice.front]
    axes.plot(
        [point.duration_s for point in front], [point.cost for point in front], "--", color="grey", zorder=0
    )
    axes.set(
        title=title,
        xlabel=f"seconds per {advice.unit.label}",
        ylabel=f"{advice.currency} per {advice.unit.label}",
        xlim=(0, MARGIN * max(run.duration_s for size in advice.sizes for run in size.runs)),
        ylim=(0, (MARGIN * max(run.cost for size in advice.sizes for run in size.runs)) or None),
    )
    axes.legend()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
