"""When it is the event log's folder for want of which Spark did not start."""

from __future__ import annotations

import pytest

from switchboard_spark.event_log import is_missing

FOLDER = "s3a://logs/spark-events/airflow-speech"


@pytest.mark.parametrize(
    ("folder", "words", "missing"),
    [
        (
            FOLDER,
            f"java.io.FileNotFoundException: No such file or directory: {FOLDER}\n\tat org.apache",
            True,
        ),
        (FOLDER, "java.io.FileNotFoundException: No such file or directory: s3a://data/calls", False),
        (FOLDER, f"java.nio.file.AccessDeniedException: {FOLDER}", False),
        ("", "java.io.FileNotFoundException: No such file or directory: s3a://data/calls", False),
    ],
)
def test_only_this_folder_is_made(folder: str, words: str, missing: bool) -> None:
    assert is_missing(folder, RuntimeError(words)) is missing
