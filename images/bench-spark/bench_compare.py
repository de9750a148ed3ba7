"""The application of the benchmark `compare`: the example's `pi`, and when it had what.

A SparkTask calls `pi`. spark-submit and spark-on-k8s run this file, as they do with applications; it leaves
what `pi` says as its container's termination message.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import example
from switchboard_spark.observed import life_of, listed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TERMINATION_LOG = Path("/dev/termination-log")


def pi(spark: SparkSession, partitions: int = 4, throws: int = 100_000) -> dict[str, float]:
    """Pi, and in seconds of the clock when the first executor registered and when there was a result."""
    found = example.pi(partitions, throws, spark)
    result = time.time()
    executors, _ = listed(spark.sparkContext)
    first = min(registered for name, registered, _ in map(life_of, executors) if name != "driver")
    return {"pi": found["pi"], "first_executor": first, "result": result}


def main() -> None:
    """As a file for spark-submit."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    TERMINATION_LOG.write_text(json.dumps(pi(spark)))
    spark.stop()


if __name__ == "__main__":
    main()
