"""How figures are shown."""

from __future__ import annotations

from rich.table import Table

from ops.bench.measure import Figure


def table(figures: list[Figure]) -> Table:
    """The figures as people read them."""
    shown = Table(title="Benchmarks: ratios against a floor measured in the same run")
    for heading, side in (
        ("what", "left"),
        ("value", "right"),
        ("floor", "right"),
        ("ratio", "right"),
        ("aim", "right"),
    ):
        shown.add_column(heading, justify=side)  # type: ignore[arg-type]
    for each in figures:
        shown.add_row(
            each.name,
            f"{each.value:.1f} {each.unit}",
            f"{each.floor:.1f} {each.unit}" if each.floor else "",
            f"{each.ratio:.2f}" if each.ratio else "",
            f"≤ {each.bound:g} {'' if each.ratio else each.unit} {'met' if each.met else 'MISSED'}",
        )
    return shown
