"""Advice as people read it: a table, some sentences, a plot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from ops.spark_advice.advice import Advice, Seen

MIB = 2**20
COLUMNS = (
    ("size", "left"),
    ("executors", "left"),
    ("runs", "right"),
    ("duration", "right"),
    ("cost", "right"),
    ("start-up", "right"),
    ("memory", "right"),
    ("spilled", "right"),
    ("front", "center"),
    ("", "left"),
)
WIDTH_IN, HEIGHT_IN, DPI = 8.0, 5.0, 120


def table(advice: Advice) -> Table:
    """A line a size, from cheap to dear."""
    shown = Table(title=f"Duration and cost by the {advice.unit.label} (medians)", title_justify="left")
    for heading, side in COLUMNS:
        shown.add_column(heading, justify=side)  # type: ignore[arg-type]
    for size in advice.sizes:
        shown.add_row(
            *_cells(size, advice), style="bold green" if size is advice.recommended else "", end_section=False
        )
    return shown


def sentences(advice: Advice) -> Iterator[str]:
    """What is recommended and why, what speaks against it, and what was left out."""
    best = advice.recommended
    yield f"Recommended: {best.name}. Why: {advice.reason}."
    for warning in best.warnings:
        yield f"But: {warning}; look at a larger size, or at what the application keeps in memory."
    if best.spilled_bytes:
        yield (
            f"It spills {best.spilled_bytes / MIB:,.0f} MiB to disk in a run: more memory, or more "
            "partitions, may make it faster."
        )
    for note in advice.notes:
        yield f"Note: {note}."


def _cells(size: Seen, advice: Advice) -> list[str]:
    what = size.size
    failed = sum(size.failures.values())
    executors = f"{what.executors_min}-{what.executors_max} × {what.executor_cores} cores, "
    cells = [
        size.name,
        f"{executors}{what.executor_memory_mib} MiB{', spot' if what.spot else ''}",
        f"{len(size.runs)}{f' + {failed} failed' if failed else ''}",
    ]
    if not size.runs:
        return [*cells, *([""] * (len(COLUMNS) - len(cells) - 1)), "; ".join(size.warnings)]
    memory = "?" if size.memory_share is None else f"{size.memory_share:.0%}"
    return [
        *cells,
        f"{size.point.duration_s:,.1f} s",
        f"{size.point.cost:.3g} {advice.currency}",
        f"{size.startup_share:.0%}",
        memory,
        f"{size.spilled_bytes / MIB:,.0f} MiB" if size.spilled_bytes else "",
        "●" if size in advice.front else "",
        "; ".join(size.warnings),
    ]


def plot(advice: Advice, title: str, file: Path) -> None:
    """Write a PNG: every run small, each size's median large, the front as a line."""
    from matplotlib.figure import Figure  # a second to import

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for size in (size for size in advice.sizes if size.runs):
        runs = axes.scatter(
            [run.duration_s for run in size.runs], [run.cost for run in size.runs], s=12, alpha=0.4
        )
        colour = runs.get_facecolor()[0]
        best = size is advice.recommended
        axes.scatter(
            size.point.duration_s,
            size.point.cost,
            s=110,
            color=colour[:3],
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
        xlabel=f"seconds by the {advice.unit.label}",
        ylabel=f"{advice.currency} by the {advice.unit.label}",
        xlim=(0, None),
        ylim=(0, None),
    )
    axes.legend()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
