"""A summary as tables for a task's log: plain characters, no colours, no guess at a terminal's width."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table

from report.models import StageAccount, Summary

WIDTH = 118
"""Columns; a task's log in Airflow's page shows about as many without wrapping."""

MOST_FAILURES = 50
"""Failures shown; `summary.json` has all of them."""


def to_text(summary: Summary) -> str:
    """What the run's last task prints."""
    text = io.StringIO()
    out = Console(file=text, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    if not summary.calls:
        out.print(f"Run {summary.run_id}: no calls found, so there was nothing to do.", markup=False)
    else:
        out.print(_overview(summary))
        out.print(_stages(summary))
    if summary.failures:
        out.print(_failures(summary))
    if len(summary.failures) > MOST_FAILURES:
        out.print(f"... and {len(summary.failures) - MOST_FAILURES} more in summary.json", markup=False)
    for line in warnings(summary):
        out.print(line, markup=False, soft_wrap=True)
    return text.getvalue()


def warnings(summary: Summary) -> list[str]:
    """What must not be overlooked, a line each."""
    lines = [
        f"WARNING: {each.stage} left no report of {_batches(each.missing)}: the task failed or never began"
        for each in summary.stages
        if each.missing
    ]
    if not summary.succeeded:
        lines.append(
            f"ERROR: {len(summary.failures)} of {summary.calls} calls failed ({summary.failure_share:.0%}),"
            f" more than max_failure_share = {summary.max_failure_share:.0%} allows; the run counts as failed"
        )
    return lines


def _overview(summary: Summary) -> Table:
    table = _table(
        f"Run {summary.run_id}",
        "calls",
        "transcribed",
        "failed",
        "minutes",
        "words",
        "redactions",
        "real-time factor",
    )
    table.add_row(
        str(summary.calls),
        str(summary.transcribed),
        str(len(summary.failures)),
        f"{summary.minutes:.1f}",
        str(summary.words),
        str(sum(summary.redactions.values())),
        _factor(summary.real_time_factor),
    )
    return table


def _stages(summary: Summary) -> Table:
    table = _table(
        "Stages", "stage", "done", "unchanged", "failed", "set aside", "seconds", "real-time factor"
    )
    for each in summary.stages:
        table.add_row(*_stage(each))
    return table


def _stage(each: StageAccount) -> list[str]:
    counts = [str(count) for count in (each.done, each.unchanged, each.failed, each.set_aside)]
    return [each.stage, *counts, f"{each.seconds:.1f}", _factor(each.real_time_factor)]


def _failures(summary: Summary) -> Table:
    table = _table("Failures", "call", "stage", "reason", "remedy")
    for each in summary.failures[:MOST_FAILURES]:
        table.add_row(*(_plain(text) for text in (each.call_id, each.stage, each.reason, each.remedy)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=_plain(title), title_justify="left", box=box.ASCII, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _factor(factor: float | None) -> str:
    return "-" if factor is None else f"{factor:.3f}"


def _batches(indices: tuple[int, ...]) -> str:
    shown = ", ".join(str(index) for index in indices[:10])
    more = f" and {len(indices) - 10} more" if len(indices) > 10 else ""
    return f"batch{'es' if len(indices) > 1 else ''} {shown}{more}"
