"""The SQL that loads a day. What it does to a database: tests/integration/spark."""

from __future__ import annotations

import re

from transcripts_daily.tables import TABLES, columns
from transcripts_daily.warehouse import CALLS, SCHEMA, SEGMENTS, SELECTED, upsert


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
