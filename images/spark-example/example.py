"""Small Spark applications: two that are of use, and some that go wrong, each in a way of its own.

A function is all that an application is. One with a parameter `spark` gets the session; any other asks for it
with `spark_session()`. What it returns is the task's XCom.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from switchboard_spark import units
from switchboard_spark.session import spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MIB = 2**20


def pi(partitions: int = 4, throws: int = 100_000, spark: SparkSession | None = None) -> dict[str, Any]:
    """Pi from `throws` darts in each partition; a look at whether executors work."""
    session = spark or spark_session()
    inside = session.sparkContext.parallelize(range(partitions), partitions).map(
        lambda seed: darts(seed, throws)
    )
    share = inside.sum() / (partitions * throws)
    units.count(throws=partitions * throws)
    return {"pi": 4 * share, "throws": partitions * throws}


def darts(seed: int, throws: int) -> int:
    """How many of a number of darts hit the circle; the same for the same seed."""
    throw = random.Random(seed)  # noqa: S311  no secret depends on it
    return sum(throw.random() ** 2 + throw.random() ** 2 <= 1 for _ in range(throws))


def words(
    prefix: str = "transcripts/", output: str = "", top: int = 10, sample: float = 1.0
) -> dict[str, Any]:
    """The most frequent words of the transcripts below a prefix: a key in the data bucket, or a whole URI.

    With `output` all counts are written there as Parquet. `sample`: the share of the files that is read,
    always the same ones.
    """
    from pyspark.sql import functions as f

    spark = spark_session()
    lines = (
        spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.txt").text(uri(prefix))
    )
    if sample < 1 and (files := lines.inputFiles()):
        lines = spark.read.text(sampled(files, sample))
    # A line of a transcript is `[00:00:01] agent  what was said`.
    said = f.lower(f.regexp_replace("value", r"^\[[\d:.]+\]\s+\S+\s+", ""))
    counts = (
        lines.select(f.explode(f.regexp_extract_all(said, f.lit(r"([\p{L}']+)"))).alias("word"))
        .groupBy("word")
        .count()
    )
    if output:
        counts.write.mode("overwrite").parquet(uri(output))
        counts = spark.read.parquet(uri(output))
    total = counts.agg(f.sum("count"), f.count("word")).first()
    best = counts.orderBy(f.desc("count"), "word").limit(top).collect()
    units.count(words=total[0] or 0)
    return {"words": total[0] or 0, "different": total[1], "top": {row["word"]: row["count"] for row in best}}


def sampled(files: Sequence[str], share: float) -> list[str]:
    """Some of the files, at least one, as paths that can be read; the same ones for the same files."""
    number = max(1, round(share * len(files)))
    chosen = random.Random(0).sample(sorted(files), number)  # noqa: S311  no secret depends on it
    return [unquote(file) for file in chosen]  # Spark names them as URIs


def uri(place: str) -> str:
    """A key as an URI in the data bucket; an URI as it is."""
    return place if "://" in place else f"s3a://{os.environ['SWITCHBOARD_DATA_BUCKET']}/{place}"


# --- what goes wrong; for tests


def fail(message: str = "on purpose") -> NoReturn:
    """An error on the driver."""
    raise ValueError(message)


def fail_in_worker(message: str = "on purpose") -> int:
    """An error in a task, which Spark tries four times."""

    def task(_: int) -> int:
        raise ValueError(message)

    return int(spark_session().sparkContext.parallelize([0], 1).map(task).sum())


def fill_memory(mib: int = 100_000, partitions: int = 1) -> int:
    """A task that takes more memory than its executor's container has, which the kernel ends."""

    def task(_: int) -> int:
        # Written to: memory that was only asked for is nobody's.
        return sum(len(block) for block in [bytearray(os.urandom(1)) * MIB for _ in range(mib)])

    return int(spark_session().sparkContext.parallelize(range(partitions), partitions).map(task).sum())


def fill_heap() -> int:
    """More on the driver's heap than it holds."""
    java = spark_session().sparkContext._jvm  # noqa: SLF001  pyspark's one way to Java
    assert java is not None  # noqa: S101
    return len([java.java.nio.ByteBuffer.allocate(2**30) for _ in range(1000)])


def kill_executors(partitions: int = 1) -> int:
    """Tasks that end their executor, whichever gets them."""

    def task(_: int) -> int:
        # A Python worker's parent is pyspark's daemon, and the parent of that is Java.
        stat = Path(f"/proc/{os.getppid()}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)
        time.sleep(60)
        return 0

    return int(spark_session().sparkContext.parallelize(range(partitions), partitions).map(task).sum())


def sleep(seconds: float = 60, partitions: int = 1, on_driver: bool = False) -> float:
    """Time that passes, in tasks or on the driver."""

    def task(_: int) -> float:
        time.sleep(seconds)
        return seconds

    context = spark_session().sparkContext
    sys.stdout.write("the session is there\n")
    return task(0) if on_driver else float(context.parallelize(range(partitions), partitions).map(task).sum())
