"""Spark's part, played by lists, as far as `images/autotranscribe` uses it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any


class FakeRdd:
    """An RDD as far as the driver uses it. Everything goes through pickle, as between processes."""

    def __init__(self, partitions: list[list[Any]]) -> None:
        self.partitions = partitions

    def map(self, function: Callable[[Any], Any]) -> FakeRdd:
        return FakeRdd([[travelled(function(each)) for each in part] for part in self.partitions])

    def flatMap(self, function: Callable[[Any], Any]) -> FakeRdd:  # noqa: N802
        return FakeRdd([[item for each in part for item in function(each)] for part in self.partitions])

    def union(self, other: FakeRdd) -> FakeRdd:
        return FakeRdd([*self.partitions, *other.partitions])

    def groupByKey(self, count: int, place: Callable[[Any], int]) -> FakeRdd:  # noqa: N802
        parts: list[dict[Any, list[Any]]] = [{} for _ in range(count)]
        # Shuffled data comes in no order
        for key, value in reversed(self.collect()):
            parts[place(key) % count].setdefault(key, []).append(value)
        return FakeRdd([list(part.items()) for part in parts])

    def collect(self) -> list[Any]:
        return [each for part in self.partitions for each in part]


class FakeContext:
    """A SparkContext of two cores."""

    defaultParallelism = 2  # noqa: N815

    def getConf(self) -> dict[str, str]:  # noqa: N802
        return {}

    def setJobDescription(self, text: str) -> None:  # noqa: N802
        assert text

    def parallelize(self, things: list[Any], count: int) -> FakeRdd:
        assert count >= 1
        assert len(things) <= count or count == 1
        return FakeRdd([[travelled(each)] for each in things])


class FakeSession:
    sparkContext = FakeContext()  # noqa: N815


def travelled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))
