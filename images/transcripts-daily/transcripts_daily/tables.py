"""Transcripts as tables: what is read of them, and what becomes of it. Imports no Spark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from transcripts_daily.places import Day, call_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CORRUPT = "_corrupt_record"
"""Where Spark puts the text of a file that is no such JSON. It is personal data: it goes nowhere."""

TRANSCRIPT = f"""
    source STRUCT<uri: STRING>,
    duration_s DOUBLE,
    language STRUCT<code: STRING, confidence: DOUBLE>,
    speakers ARRAY<STRING>,
    segments ARRAY<STRUCT<speaker: STRING, start_s: DOUBLE, end_s: DOUBLE, text: STRING,
                          words: ARRAY<STRUCT<confidence: DOUBLE>>>>,
    redactions ARRAY<STRUCT<entity: STRING>>,
    run_id STRING,
    {CORRUPT} STRING
"""
"""Of `Transcript` (images/stage-base/switchboard_stage/models.py), as much as is needed."""

SEGMENT = (
    "STRUCT<position: INT, speaker: STRING, start_s: DOUBLE, end_s: DOUBLE, words: INT, confidence: DOUBLE, "
    "text: STRING>"
)
SNAPSHOT = f"""
    call_id STRING, transcribed_at TIMESTAMP, parsed BOOLEAN, recording STRING, duration_s DOUBLE,
    language STRING, language_confidence DOUBLE, speakers INT, words INT, confidence DOUBLE, redactions INT,
    run_id STRING, segments ARRAY<{SEGMENT}>
"""
"""A row a call. `parsed` is null for what is no such JSON; `confidence` is the mean over words."""

CALLS = """
    call_id STRING, recording STRING, transcribed_at TIMESTAMP, duration_s DOUBLE, language_confidence DOUBLE,
    speakers INT, segments INT, words INT, confidence DOUBLE, redactions INT, run_id STRING, language STRING
"""
SEGMENTS = """
    call_id STRING, position INT, speaker STRING, start_s DOUBLE, end_s DOUBLE, words INT, confidence DOUBLE,
    text STRING, language STRING
"""
"""A row a segment; `position` counts from 1 within the call."""

TABLES = {"calls": CALLS, "segments": SEGMENTS}


def mean(numbers: str) -> str:
    """SQL: the mean of an array; null of an empty one."""
    return f"aggregate({numbers}, 0D, (sum, each) -> sum + each) / nullif(size({numbers}), 0)"


READ = (
    "regexp_extract(_metadata.file_path, '([^/]+)/postprocess/[^/]+$', 1) AS call_id",
    "_metadata.file_modification_time AS transcribed_at",
    f"IF({CORRUPT} IS NULL, true, NULL) AS parsed",
    "source.uri AS recording",
    "duration_s",
    "language.code AS language",
    "language.confidence AS language_confidence",
    "size(speakers) AS speakers",
    "aggregate(segments, 0, (sum, each) -> sum + size(each.words)) AS words",
    f"{mean('flatten(transform(segments, each -> each.words.confidence))')} AS confidence",
    "size(redactions) AS redactions",
    "run_id",
    f"""transform(segments, (each, index) -> named_struct(
        'position', index + 1, 'speaker', each.speaker, 'start_s', each.start_s, 'end_s', each.end_s,
        'words', size(each.words), 'confidence', {mean("each.words.confidence")}, 'text', each.text
    )) AS segments""",
)
"""SQL: a snapshot's columns, in its order."""


def columns(schema: str) -> list[str]:
    """The names of a flat schema, in order."""
    return [each.split()[0] for each in schema.split(",")]


def read(spark: SparkSession, uris: Sequence[str], day: date) -> DataFrame:
    """Transcripts of a day, a row a call (SNAPSHOT). What is no JSON is a row too, with `parsed` null."""
    from pyspark.sql import functions as f

    if not uris:
        return spark.createDataFrame([], SNAPSHOT)
    reader = spark.read.schema(TRANSCRIPT).options(multiLine=True, columnNameOfCorruptRecord=CORRUPT)
    found = reader.json(list(uris)).selectExpr(*READ)
    # An empty file gives no row at all.
    listed = spark.createDataFrame([(call_of(each),) for each in uris], "call_id STRING")
    # One that was written anew since it was listed is another day's now.
    of_day = f.col("transcribed_at").isNull() | (f.to_date("transcribed_at") == f.lit(day))
    return listed.join(found, "call_id", "left").where(of_day)


def freeze(frame: DataFrame, place: str) -> DataFrame:
    """Write rows, and give what was written."""
    frame.write.mode("overwrite").parquet(place)
    return frame.sparkSession.read.schema(SNAPSHOT).parquet(place)


def calls(snapshot: DataFrame) -> DataFrame:
    """CALLS, and `parsed`."""
    names = ["size(segments) AS segments" if name == "segments" else name for name in columns(CALLS)]
    return snapshot.selectExpr(*names, "parsed")


def segments(snapshot: DataFrame) -> DataFrame:
    """SEGMENTS, and the `duration_s` of the call."""
    exploded = snapshot.selectExpr("call_id", "duration_s", "language", "inline(segments)")
    return exploded.select(*columns(SEGMENTS), "duration_s")


def stage(name: str, frame: DataFrame, day: Day) -> str:
    """Write a table's day beside the published one; gives the folder. Spark would take the published one
    away before it writes, and leave none where it fails.
    """
    folder = f"{day.staged}/{name}"
    chosen = frame.select(*columns(TABLES[name])).repartition("language")
    chosen.write.mode("overwrite").partitionBy("language").parquet(folder)
    return folder


def published(spark: SparkSession, name: str, day: Day) -> DataFrame:
    """A table's day."""
    return spark.read.schema(TABLES[name]).parquet(day.table(name))
