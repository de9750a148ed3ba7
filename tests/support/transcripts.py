"""Transcripts, made up, and what must be in tables of them: computed by pandas, from what was written."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

Document = dict[str, Any]

SAID = "marzipan"
"""In every segment's text, and nowhere else."""

CALLS = [
    *("call_id", "recording", "duration_s", "language", "language_confidence", "speakers", "segments"),
    *("words", "confidence", "redactions", "run_id"),
]
SEGMENTS = ["call_id", "position", "speaker", "start_s", "end_s", "words", "confidence", "text"]
KEYS = {"calls": ["call_id"], "segments": ["call_id", "position"]}


def document(call_id: str, **changes: Any) -> Document:
    """A transcript as postprocess writes it; the same for the same call."""
    chance = random.Random(call_id)
    segments, at = [], 0.0
    for number in range(chance.randint(2, 6)):
        words = []
        for _ in range(chance.randint(1, 9)):
            word = {"text": SAID, "start_s": at, "end_s": at + 0.25, "confidence": chance.random()}
            words.append({**word, "channel": 0, "speaker": f"speaker-{number % 2}"})
            at += 0.5
        segments.append(
            {
                "speaker": f"speaker-{number % 2}",
                "start_s": words[0]["start_s"],
                "end_s": words[-1]["end_s"],
                "text": f'{SAID} ä\t\\N "{number}"\n{SAID}',
                "words": words,
            }
        )
    redaction = {"entity": "PERSON", "start_s": 0.0, "end_s": 0.25, "speaker": "speaker-0", "score": 0.9}
    return {
        "call_id": call_id,
        "source": {"uri": f"s3://data/calls/{call_id}.wav", "etag": "1", "container": "wav"},
        "duration_s": at + chance.random(),
        "language": {"code": chance.choice(["en", "es"]), "confidence": chance.random(), "scores": {}},
        "speakers": ["speaker-0", "speaker-1"],
        "segments": segments,
        "redactions": [redaction] * chance.randint(0, 3),
        "versions": {"asr": "asr@sha256:1"},
        "run_id": "run-1",
        **changes,
    }


def text(value: Document) -> str:
    """The file's."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def expected(documents: Iterable[Document]) -> dict[str, pd.DataFrame]:
    """The tables of some transcripts, by name."""
    whole = pd.DataFrame(list(documents))
    segments = whole[["call_id", "segments"]].explode("segments", ignore_index=True)
    segments = segments[["call_id"]].join(pd.json_normalize(segments["segments"].tolist()))
    segments["position"] = segments.groupby("call_id").cumcount() + 1
    words = segments[["call_id", "position", "words"]].explode("words", ignore_index=True)
    words["confidence"] = words["words"].map(lambda word: word["confidence"]).astype(float)

    def measured(by: list[str]) -> pd.DataFrame:
        return words.groupby(by)["confidence"].agg(words="size", confidence="mean").reset_index()

    calls = pd.DataFrame(
        {
            "call_id": whole["call_id"],
            "recording": whole["source"].map(lambda source: source["uri"]),
            "duration_s": whole["duration_s"],
            "language": whole["language"].map(lambda language: language["code"]),
            "language_confidence": whole["language"].map(lambda language: language["confidence"]),
            "speakers": whole["speakers"].map(len),
            "segments": whole["segments"].map(len),
            "redactions": whole["redactions"].map(len),
            "run_id": whole["run_id"],
        }
    )
    return {
        "calls": ordered("calls", calls.merge(measured(["call_id"]), on="call_id"), CALLS),
        "segments": ordered(
            "segments",
            segments.drop(columns="words").merge(measured(KEYS["segments"]), on=KEYS["segments"]),
            SEGMENTS,
        ),
    }


def ordered(table: str, frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows by their key, columns as given."""
    return frame.sort_values(KEYS[table], ignore_index=True)[columns]


def parquet(s3: Any, bucket: str, folder: str) -> pd.DataFrame:
    """A day of a table: all files below a folder, with the language that each file's folder says."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    parts = []
    for key in keys:
        if key.endswith(".parquet"):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            part = pd.read_parquet(io.BytesIO(body))
            parts.append(part.assign(language=key.split("/language=")[1].split("/")[0]))
    return pd.concat(parts, ignore_index=True)


def compare(found: Mapping[str, pd.DataFrame], documents: Iterable[Document]) -> None:
    """Fail unless both tables have the rows of these transcripts and no others."""
    for table, wanted in expected(documents).items():
        have = ordered(table, found[table], list(wanted.columns))
        pd.testing.assert_frame_equal(have, wanted, check_dtype=False)
