"""What the examples do without Spark."""

import sys
from unittest.mock import MagicMock

import pytest

import example
from example import darts, sampled, uri
from switchboard_spark import units


def test_the_same_darts_for_the_same_seed() -> None:
    assert darts(1, 1000) == darts(1, 1000)
    assert darts(1, 1000) != darts(2, 1000)
    assert 4 * darts(1, 100_000) / 100_000 == pytest.approx(3.14, abs=0.05)


def test_a_key_is_one_of_the_data_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_DATA_BUCKET", "data")
    assert uri("transcripts/") == "s3a://data/transcripts/"
    assert uri("file:///tmp/x") == "file:///tmp/x"


def test_a_sample_is_the_same_for_the_same_files() -> None:
    files = [f"s3a://data/call%20{number}.txt" for number in range(10)]
    chosen = sampled(files, 0.3)
    assert len(chosen) == 3
    assert sampled(files[::-1], 0.3) == chosen, "whatever order they are listed in"
    assert set(chosen) <= {f"s3a://data/call {number}.txt" for number in range(10)}
    assert len(sampled(files, 0.001)) == 1, "something is always read"


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_words_reads_as_much_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    for name in ("pyspark", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    spark = MagicMock()
    monkeypatch.setattr(example, "spark_session", lambda: spark)
    monkeypatch.setattr(units, "count", lambda words: None)
    spark.read.option().option().text().inputFiles.return_value = ["s3a://data/a%20b.txt", "s3a://data/c.txt"]
    example.words("s3a://data/", sample=share)
    read = [file for call in spark.read.text.call_args_list for file in call.args[0]]
    assert len(read) == (1 if share < 1 else 0), "all is read by the folder's name, a sample by its files'"
    assert set(read) < {"s3a://data/a b.txt", "s3a://data/c.txt"}, "as paths, not as they are listed"
