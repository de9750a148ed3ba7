"""How figures are shown, and kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from infra.shared.paths import REPOSITORY
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


def keep(figures: list[Figure], name: str) -> Path:
    """Write what was measured as JSON; gives the file, from the repository's folder."""
    record = REPOSITORY / ".build" / name
    record.parent.mkdir(exist_ok=True)
    kept = {"at": datetime.now(UTC).isoformat(), "figures": [each.as_json() for each in figures]}
    record.write_text(json.dumps(kept, indent=1))
    return record.relative_to(REPOSITORY)
