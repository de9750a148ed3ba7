"""Whether something grows: the line, its error and the verdict."""

from __future__ import annotations

import random
from typing import Any, cast
from unittest.mock import MagicMock

import pytest

from ops.bench.spark.growth import line
from ops.bench.spark.inventory import counted, environment_size, stored, sums
from ops.environment import Environment

LAUNCHES = list(range(0, 101, 10))


def test_what_grows_with_each_launch_is_seen() -> None:
    seen = line("Services", "", LAUNCHES, [10 + n for n in LAUNCHES])
    assert seen.start == pytest.approx(10)
    assert seen.slope == pytest.approx(1)
    assert seen.verdict == "GROWS"
    assert seen.far == pytest.approx(2010)
    assert not seen.figure().met


def test_noise_is_no_growth() -> None:
    noise = random.Random(1)
    seen = line("memory", "MiB", LAUNCHES, [400 + noise.gauss(0, 5) for _ in LAUNCHES])
    assert seen.verdict == "none"
    assert seen.far == seen.start
    assert seen.figure().met


def test_growth_that_hurts_nobody_is_told_as_such() -> None:
    seen = line("memory", "MiB", LAUNCHES, [1000 + 0.01 * n for n in LAUNCHES])
    assert not seen.is_flat
    assert seen.verdict == "little"
    assert seen.figure().met


def test_growth_that_levels_off_is_seen_in_the_second_half() -> None:
    seen = line("memory", "MiB", LAUNCHES, [min(400 + n, 450) for n in LAUNCHES])
    assert seen.slope > 0.4
    assert seen.late == pytest.approx(0)
    on = line("memory", "MiB", LAUNCHES, [400 + n for n in LAUNCHES])
    assert on.late == pytest.approx(on.slope) == pytest.approx(1)


def test_what_stays_and_what_was_never_there() -> None:
    same = line("Services", "", LAUNCHES, [7.0] * len(LAUNCHES))
    assert (same.verdict, same.growth) == ("none", 0)
    nothing = line("Services", "", LAUNCHES, [0.0] * len(LAUNCHES))
    assert nothing.figure().met
    less = line("time", "s", LAUNCHES, [20 - 0.1 * n for n in LAUNCHES])
    assert (less.verdict, less.far, less.growth) == ("shrinks", 0, -1)
    new = line("Services", "", LAUNCHES, [0.001 * n * n for n in LAUNCHES])
    assert new.verdict in {"GROWS", "shrinks"}


def test_the_error_is_that_of_the_textbook() -> None:
    xs, ys = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 1.0, 2.0]
    seen = line("x", "", xs, ys)
    # By hand: the residuals' squares add up to 0.2, those of x around its mean to 5
    assert seen.slope == pytest.approx(0.6)
    assert seen.error == pytest.approx((0.2 / 2 / 5) ** 0.5)
    low, high = seen.interval
    assert high - low == pytest.approx(2 * 4.302653 * seen.error, rel=1e-5)


def test_two_points_are_not_enough() -> None:
    with pytest.raises(ValueError, match="2 points"):
        line("x", "", [0, 1], [0, 1])


def test_objects_are_counted_by_kind_and_place() -> None:
    lines = ["Pod        airflow-speech", "Pod   kube-system", "Node  <none>", "Event airflow-speech"]
    found = counted(lines)
    assert found == {("Pod", "airflow-speech"): 1, ("Pod", "kube-system"): 1, ("Node", ""): 1} | {
        ("Event", "airflow-speech"): 1
    }
    told = sums(found)
    assert told["Pods of the deployment"] == told["objects of the deployment"] == 1
    assert (told["objects of the cluster"], told["events of the cluster"]) == (3, 1)


def test_objects_of_all_buckets_are_counted_page_by_page() -> None:
    full, rest = ({"Contents": [{"Key": str(n)} for n in range(count)]} for count in (1000, 3))
    pages: dict[str, list[dict[str, Any]]] = {"data": [full, rest], "logs": [{}]}
    environment = MagicMock()
    environment.cluster.object_store.buckets = {"calls": "data", "transcripts": "data", "logs": "logs"}
    environment.s3.get_paginator.return_value.paginate.side_effect = lambda **asked: pages[asked["Bucket"]]
    assert stored(cast(Environment, environment)) == {"objects in the store": 1003}


def test_the_size_of_an_environment_is_what_the_kernel_passes_on() -> None:
    assert environment_size({"A": "1", "BC": "ü"}) == (2, len(b"A=1\0BC=\xc3\xbc\0"))
