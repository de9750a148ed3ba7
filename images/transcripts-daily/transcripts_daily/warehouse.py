"""The tables in Postgres, and how a day gets into them: in one transaction, as often as one likes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import psycopg

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    call_id text PRIMARY KEY,
    day date NOT NULL,
    recording text NOT NULL,
    transcribed_at timestamptz NOT NULL,
    duration_s double precision NOT NULL,
    language text NOT NULL,
    language_confidence double precision NOT NULL,
    speakers integer NOT NULL,
    segments integer NOT NULL,
    words integer NOT NULL,
    confidence double precision,
    redactions integer NOT NULL,
    run_id text NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_day ON calls (day);
CREATE TABLE IF NOT EXISTS segments (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    position integer NOT NULL,
    speaker text NOT NULL,
    start_s double precision NOT NULL,
    end_s double precision NOT NULL,
    words integer NOT NULL,
    confidence double precision,
    text text NOT NULL,
    PRIMARY KEY (call_id, position)
);
"""
CALLS = (
    *("call_id", "recording", "transcribed_at", "duration_s", "language", "language_confidence", "speakers"),
    *("segments", "words", "confidence", "redactions", "run_id"),
)
SEGMENTS = ("call_id", "position", "speaker", "start_s", "end_s", "words", "confidence", "text")

SELECTED: dict[str, list[str]] = {
    # Python would get a time without its zone; the session's is UTC.
    "calls": [
        "concat(CAST(transcribed_at AS STRING), '+00')" if name == "transcribed_at" else name
        for name in CALLS
    ],
    "segments": list(SEGMENTS),
}
"""SQL for Spark: what `load` takes of a table's Parquet, in order."""

LOCK = 7_261_634_118_905_211
"""Postgres' advisory lock of these tables, a number that nobody else takes: loads go one after the other."""

STAGE = """
CREATE TEMPORARY TABLE staged_calls (LIKE calls) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_segments (LIKE segments) ON COMMIT DROP;
"""

LEAVE_NEWER = """
WITH older AS (
    DELETE FROM staged_calls AS staged USING calls
    WHERE calls.call_id = staged.call_id AND calls.transcribed_at > staged.transcribed_at
    RETURNING staged.call_id
)
DELETE FROM staged_segments USING older WHERE staged_segments.call_id = older.call_id
"""
"""A call that was transcribed again since belongs to a later day, which may have been loaded already."""

REMOVE_CALLS = """
DELETE FROM calls
WHERE day = %s AND NOT EXISTS (SELECT FROM staged_calls AS staged WHERE staged.call_id = calls.call_id)
"""
REMOVE_SEGMENTS = """
DELETE FROM segments USING staged_calls
WHERE segments.call_id = staged_calls.call_id AND NOT EXISTS (
    SELECT FROM staged_segments AS staged
    WHERE staged.call_id = segments.call_id AND staged.position = segments.position
)
"""


class LoadError(RuntimeError):
    """Postgres took nothing of a day."""


def load(
    uri: str, day: date, calls: Iterable[Sequence[Any]], segments: Iterable[Sequence[Any]]
) -> dict[str, int]:
    """Make the tables hold these rows for a day, and none of the day's that are not among them.

    Parameters
    ----------
    uri
        Of the database; a secret.
    calls, segments
        Rows in the order of SELECTED.

    Returns
    -------
    dict
        `calls`, `segments`: rows given; `changed`, `removed`: rows that were not so before.

    Raises
    ------
    LoadError
        It refuses them, or is away; the tables are as they were.
    """
    try:
        return _load(uri, day, calls, segments)
    except psycopg.Error as error:
        # No more of it: details quote rows, and so what people said.
        raise LoadError(f"{type(error).__name__}: {error.diag.message_primary or error}") from None


def _load(
    uri: str, day: date, calls: Iterable[Sequence[Any]], segments: Iterable[Sequence[Any]]
) -> dict[str, int]:
    with psycopg.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(SCHEMA)
        cursor.execute(STAGE)
        given = {
            "calls": _copy(cursor, "calls", (*CALLS, "day"), ((*row, day) for row in calls)),
            "segments": _copy(cursor, "segments", SEGMENTS, segments),
        }
        cursor.execute("ANALYZE staged_calls, staged_segments")
        removed = [cursor.execute(REMOVE_CALLS, [day]).rowcount]
        cursor.execute(LEAVE_NEWER)
        removed += [cursor.execute(REMOVE_SEGMENTS).rowcount]
        changed = [
            cursor.execute(upsert("calls", (*CALLS, "day"), ("call_id",))).rowcount,
            cursor.execute(upsert("segments", SEGMENTS, ("call_id", "position"))).rowcount,
        ]
    return {**given, "changed": sum(changed), "removed": sum(removed)}


def upsert(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """SQL: staged rows into their table; rows that are so already are left alone."""
    names = ", ".join(columns)
    rest = [name for name in columns if name not in key]
    new = ", ".join(f"{name} = EXCLUDED.{name}" for name in rest)
    before, after = (", ".join(f"{side}.{name}" for name in rest) for side in (table, "EXCLUDED"))
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM staged_{table} "  # noqa: S608  own names
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {new} WHERE ({before}) IS DISTINCT FROM ({after})"
    )


def _copy(
    cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Rows into their staging table; gives how many."""
    with cursor.copy(f"COPY staged_{table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return cursor.rowcount
