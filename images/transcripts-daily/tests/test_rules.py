"""The rule sets, and how broken ones are told. What they find in data: tests/integration/spark."""

from __future__ import annotations

import json

import pytest

from transcripts_daily.places import day_in
from transcripts_daily.quality import Broken, Findings, key_of, measured, quarantine, refusal, threshold
from transcripts_daily.rules import KEYS, Rule, rules
from transcripts_daily.tables import TABLES, columns

DAY = day_in("lake", "2026-01-31", "data")
LONG = Broken("calls", "duration_is_possible", "numeric-between (max-value 86400)", "2 of 9 rows", ("a", "b"))
FEW = Broken("calls", "enough_calls", "row-count-min (min-count 10)", "measured actual_row_count 9")
FOUND = Findings((LONG, FEW), ({"table": "calls", "call_id": "a", "rules": ["duration_is_possible"]},))


def named(table: str, rule: str) -> Rule:
    (found,) = (each for each in rules(1)[table] if each["check-id"] == rule)
    return found


@pytest.mark.parametrize("table", list(TABLES))
def test_a_rule_has_a_name_of_its_own(table: str) -> None:
    """sparkdq adds a column of that name, which must not replace one of the data's."""
    names = [str(rule["check-id"]) for rule in rules(1)[table]]
    assert len(names) == len(set(names))
    assert not set(names) & {*columns(TABLES[table]), "parsed", "duration_s"}
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize("table", list(TABLES))
def test_rules_are_about_columns_that_there_are(table: str) -> None:
    known = {*columns(TABLES[table]), "parsed", "duration_s"}
    for rule in rules(1)[table]:
        named = {rule.get("column"), *rule.get("columns", []), *rule.get("subset-columns", [])} - {None}
        assert named <= known, rule["check-id"]
    assert set(KEYS[table]) <= known


def test_each_kind_of_rule_is_there() -> None:
    kinds = {rule["check"] for rule in rules(1)["calls"]}
    assert kinds >= {"row-count-min-check", "null-check", "completeness-ratio-check", "regex-match-check"}
    assert "standard-deviation-between-check" in kinds


def test_a_day_without_calls_is_taken_where_it_is_asked_for() -> None:
    assert named("calls", "enough_calls")["min-count"] == 1
    assert rules(25)["calls"][0]["min-count"] == 25
    assert "enough_calls" not in {rule["check-id"] for rule in rules(0)["calls"]}


def test_a_threshold_is_told_in_the_rules_words() -> None:
    assert threshold(named("calls", "language_is_a_code")) == (
        "regex-match (column language, pattern ^[a-z]{2}$)"
    )
    assert measured({"actual_row_count": 0, "min_expected": 1}) == (
        "measured actual_row_count 0, min_expected 1"
    )


def test_a_key_is_the_call_and_the_place_in_it() -> None:
    assert key_of({"call_id": "call-7"}) == "call-7"
    assert key_of({"call_id": "call-7", "position": 3}) == "call-7#3"


def test_the_error_names_rules_thresholds_values_and_rows() -> None:
    error = refusal(DAY, FOUND)
    assert str(error).splitlines() == [
        "2 rules were broken by the transcripts of 2026-01-31; nothing was loaded",
        "- calls.duration_is_possible asks for numeric-between (max-value 86400), but 2 of 9 rows (a, b)",
        "- calls.enough_calls asks for row-count-min (min-count 10), but measured actual_row_count 9",
    ]
    assert "s3a://data/lake/quarantine/day=2026-01-31.json" in error.remedy


def test_the_quarantine_has_every_key() -> None:
    kept = json.loads(json.dumps(quarantine(DAY, FOUND)))
    assert kept["rows"] == [{"table": "calls", "call_id": "a", "rules": ["duration_is_possible"]}]
    assert [each["rule"] for each in kept["broken"]] == ["duration_is_possible", "enough_calls"]
    assert (kept["day"], kept["broken"][0]["rows"]) == ("2026-01-31", ["a", "b"])


def test_findings_add_up() -> None:
    assert (Findings() + FOUND + FOUND).broken == (LONG, FEW, LONG, FEW)
