"""What data must be like to get on: rule sets, as plain data in the words of sparkdq.

`check` is the kind of rule, `check-id` its name in errors; the rest is its threshold.
"""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]

KEYS = {"calls": ("call_id",), "segments": ("call_id", "position")}
"""What a row is told by: these columns, and never what was said."""

ENOUGH = 10
"""Rows from which on a standard deviation says something."""

DAY_S = 86_400
CLOCKS_S = 1.0
"""A recogniser's last word may end this much after the recording."""


def rules(min_calls: int) -> dict[str, list[Rule]]:
    """Rule sets by table. `min_calls`: a day with fewer is not believed; 0 takes any."""
    return {"calls": [*_enough_calls(min_calls), *CALLS], "segments": SEGMENTS}


def _enough_calls(min_calls: int) -> list[Rule]:
    if min_calls <= 0:
        return []
    return [{"check": "row-count-min-check", "check-id": "enough_calls", "min-count": min_calls}]


CALLS: list[Rule] = [
    {"check": "null-check", "check-id": "is_a_transcript", "columns": ["parsed"]},
    {
        "check": "null-check",
        "check-id": "is_complete",
        "columns": [
            *("recording", "duration_s", "language", "language_confidence", "speakers", "segments", "words"),
            *("redactions", "run_id"),
        ],
    },
    # A file may hold a list of transcripts; tables have one row a call.
    {"check": "unique-rows-check", "check-id": "is_there_once", "subset-columns": ["call_id"]},
    {"check": "completeness-ratio-check", "check-id": "most_speak", "column": "confidence", "min-ratio": 0.5},
    {
        "check": "regex-match-check",
        "check-id": "language_is_a_code",  # ISO 639-1; it becomes a folder's name
        "column": "language",
        "pattern": "^[a-z]{2}$",
    },
    {
        "check": "numeric-between-check",
        "check-id": "duration_is_possible",
        "columns": ["duration_s"],
        "min-value": 0,
        "max-value": DAY_S,
        "inclusive": [False, True],
    },
    {
        "check": "numeric-between-check",
        "check-id": "confidence_is_a_share",
        "columns": ["language_confidence", "confidence"],
        "min-value": 0,
        "max-value": 1,
        "inclusive": [True, True],
    },
    {
        # Recordings of one length are cut off, or no calls.
        "check": "standard-deviation-between-check",
        "check-id": "durations_differ",
        "column": "duration_s",
        "min-value": 0.01,
        "max-value": 7200.0,
        "min-rows": ENOUGH,
    },
    {
        # A recogniser that is as sure of every call recognises nothing.
        "check": "standard-deviation-between-check",
        "check-id": "confidences_differ",
        "column": "confidence",
        "min-value": 0.0001,
        "max-value": 0.4,
        "min-rows": ENOUGH,
    },
]

SEGMENTS: list[Rule] = [
    {
        "check": "null-check",
        "check-id": "is_complete",
        "columns": ["speaker", "start_s", "end_s", "words", "text"],
    },
    {
        "check": "column-less-than-check",
        "check-id": "starts_before_it_ends",
        "column": "start_s",
        "limit": "end_s",
        "inclusive": True,
    },
    {
        "check": "column-less-than-check",
        "check-id": "ends_within_the_call",
        "column": "end_s",
        "limit": f"duration_s + {CLOCKS_S}",
        "inclusive": True,
    },
    # Postgres takes every character but this one.
    {"check": "regex-match-check", "check-id": "has_no_nul", "column": "text", "pattern": "^[^\\x00]*$"},
    {
        "check": "numeric-between-check",
        "check-id": "confidence_is_a_share",
        "columns": ["confidence"],
        "min-value": 0,
        "max-value": 1,
        "inclusive": [True, True],
    },
]
