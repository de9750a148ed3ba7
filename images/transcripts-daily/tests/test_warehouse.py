"""The SQL that loads a day. What it does to a database: tests/integration/spark."""

from __future__ import annotations

import re
from datetime import date

import psycopg
import pytest

from switchboard_spark.model import EXIT_APPLICATION, EXIT_INFRASTRUCTURE
from switchboard_spark.verdicts import of_error
from transcripts_daily import warehouse
from transcripts_daily.tables import TABLES, columns
from transcripts_daily.warehouse import CALLS, SCHEMA, SEGMENTS, SELECTED, LoadError, upsert


def test_an_upsert_changes_what_differs_and_nothing_else() -> None:
    assert upsert("segments", ("call_id", "position", "text"), ("call_id", "position")) == (
        "INSERT INTO segments (call_id, position, text) SELECT call_id, position, text FROM staged_segments "
        "ON CONFLICT (call_id, position) DO UPDATE SET text = EXCLUDED.text "
        "WHERE (segments.text) IS DISTINCT FROM (EXCLUDED.text)"
    )


def test_the_tables_have_the_columns_that_are_loaded() -> None:
    made = dict(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", SCHEMA, re.DOTALL))
    for table, loaded in (("calls", {*CALLS, "day"}), ("segments", set(SEGMENTS))):
        declared = set(re.findall(r"^    ([a-z_]+) ", made[table], re.MULTILINE))
        assert declared == loaded, table


def test_the_parquet_has_the_columns_that_are_loaded() -> None:
    assert set(CALLS) == set(columns(TABLES["calls"]))
    assert set(SEGMENTS) < set(columns(TABLES["segments"]))
    assert len(SELECTED["calls"]) == len(CALLS)


def test_times_travel_with_their_zone() -> None:
    assert "concat(CAST(transcribed_at AS STRING), '+00')" in SELECTED["calls"]


def test_a_database_that_is_away_is_no_failure_of_the_application() -> None:
    with pytest.raises(LoadError, match="OperationalError") as caught:
        warehouse.load("postgresql://warehouse@127.0.0.1:1/x", date(2026, 1, 31), [], [])
    judgement = of_error(caught.value, [], None)
    assert (judgement.exit_code, judgement.verdict.kind) == (EXIT_INFRASTRUCTURE, "infrastructure")


def test_rows_that_it_refuses_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise psycopg.errors.CheckViolation("new row for relation")

    monkeypatch.setattr(warehouse, "_load", refuse)
    with pytest.raises(LoadError) as caught:
        warehouse.load("", date(2026, 1, 31), [], [])
    assert of_error(caught.value, [], None).exit_code == EXIT_APPLICATION
