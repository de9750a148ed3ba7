"""Holds a table to its rules, and says which rule was broken by which rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from switchboard_spark.application import PermanentError
from transcripts_daily.places import Day
from transcripts_daily.rules import Rule

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TOLD = 5
"""Rows of each broken rule that the error names."""

UNIQUE = "unique-rows-check"
"""The kind of rule that no row is there twice."""

QUARANTINED = 100_000
"""Rows of a table whose keys are kept at most; how many there were is told in any case."""


@dataclass(frozen=True)
class Broken:
    """A rule that was broken."""

    table: str
    rule: str
    asks: str
    """Its threshold."""
    found: str
    rows: tuple[str, ...] = ()
    """Keys of some that broke it; none where the rule is about all rows together."""

    def __str__(self) -> str:
        rows = f" ({', '.join(self.rows)})" if self.rows else ""
        return f"{self.table}.{self.rule} asks for {self.asks}, but {self.found}{rows}"


@dataclass(frozen=True)
class Findings:
    """What is wrong with a table; nothing, if there is nothing in it."""

    broken: tuple[Broken, ...] = ()
    keys: tuple[dict[str, Any], ...] = ()
    """Of failing rows: `table`, the key's columns, `rules`."""

    def __add__(self, other: Findings) -> Findings:
        return Findings(self.broken + other.broken, self.keys + other.keys)


def examine(table: str, frame: DataFrame, key: Sequence[str], rules: Sequence[Rule]) -> Findings:
    """Hold a table to its rules: two passes where it keeps them. Rows that are there twice are told as others
    are.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f
    from sparkdq.engine import BatchDQEngine
    from sparkdq.management import CheckSet
    from sparkdq.plugin import load_config_module

    load_config_module("transcripts_daily.spread")
    checks = CheckSet()
    checks.add_checks_from_dicts([dict(rule) for rule in rules])
    result = BatchDQEngine(checks).run_batch(frame)
    asks = {str(rule["check-id"]): threshold(rule) for rule in rules}
    failed = [each for each in result.aggregate_results if not each.passed]
    unique = {str(rule["check-id"]): rule["subset-columns"] for rule in rules if rule["check"] == UNIQUE}
    of_all = [
        Broken(table, each.check_id, asks[each.check_id], measured(each.metrics))
        for each in failed
        if each.check_id not in unique
    ]
    # sparkdq adds a column a rule: true for rows that break it. It only counts those that are there twice.
    marked, names = result.df, [check.check_id for check in checks.get_row_checks()]
    for name in (each.check_id for each in failed if each.check_id in unique):
        marked = marked.withColumn(name, f.count("*").over(Window.partitionBy(*unique[name])) > 1)
        names.append(name)
    counted = marked.agg(f.count("*"), *(f.count_if(name) for name in names)).first()
    rows, *counts = counted or [0] * (len(names) + 1)
    of_rows = []
    for name, count in zip(names, counts, strict=True):
        if count:
            first = marked.where(f.col(name)).select(*key).distinct().orderBy(*key).limit(TOLD).collect()
            told = tuple(key_of(row.asDict()) for row in first)
            of_rows.append(Broken(table, name, asks[name], f"{count} of {rows} rows break it", told))
    return Findings((*of_all, *of_rows), _keys(table, marked, key, names) if of_rows else ())


def _keys(
    table: str, frame: DataFrame, key: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, Any], ...]:
    from pyspark.sql import functions as f

    broken = f.array_compact(f.array(*(f.when(f.col(name), f.lit(name)) for name in names)))
    failing = frame.select(*key, broken.alias("rules")).where(f.size("rules") > 0)
    return tuple(
        {"table": table, **row.asDict()} for row in failing.orderBy(*key).limit(QUARANTINED).collect()
    )


def threshold(rule: Rule) -> str:
    """What a rule asks for, in its own words."""
    limits = ", ".join(f"{name} {value}" for name, value in rule.items() if name not in {"check", "check-id"})
    return f"{rule['check'].removesuffix('-check')} ({limits})"


def measured(metrics: dict[str, Any]) -> str:
    """What a rule about all rows measured."""
    return "measured " + ", ".join(f"{name} {value}" for name, value in metrics.items())


def key_of(row: dict[str, Any]) -> str:
    """A row's key as text: `call-7`, or `call-7#3` for its third segment."""
    return "#".join(str(part) for part in row.values())


def quarantine(day: Day, findings: Findings) -> dict[str, Any]:
    """What is kept of bad data: rules, numbers, keys; nothing that anybody said."""
    return {
        "day": day.day.isoformat(),
        "snapshot": day.snapshot,
        "broken": [asdict(each) for each in findings.broken],
        "rows": list(findings.keys),
    }


def refusal(day: Day, findings: Findings) -> PermanentError:
    """The error of a day whose data are bad."""
    several = "rules were" if len(findings.broken) > 1 else "rule was"
    lines = [f"{len(findings.broken)} {several} broken by the transcripts of {day.day}; nothing was loaded"]
    return PermanentError(
        "\n".join([*lines, *(f"- {each}" for each in findings.broken)]),
        f"the keys of all rows are in {day.quarantine}; correct these transcripts (or the rule, in "
        "images/transcripts-daily), then clear the task",
    )
