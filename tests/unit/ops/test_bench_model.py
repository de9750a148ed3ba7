"""The model of a transcription of any size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops.bench.spark.model import HOUR_S, NodePool, Rates, needs, pays_from_s

RATES = Rates(
    core_s_per_audio_s=0.2,
    call_s=60,
    frame_s=15,
    spark_start_s=30,
    spark_efficiency=0.9,
    pod_start_s=10,
)
POOL = NodePool(cores=8, memory_gib=32, vcpu_hour=0.03, gib_hour=0.005)


def test_spark_starts_once_and_shares_its_work_out() -> None:
    assert RATES.spark_s(900, cores=1) == pytest.approx(45 + 180 / 0.9)
    assert RATES.spark_s(900, cores=4) == pytest.approx(45 + 180 / 3.6)


def test_pods_start_for_each_stage_and_batch() -> None:
    assert RATES.pods_s(60, cores=4) == pytest.approx(15 + 6 * 10 + 12), (
        "one batch: its stages follow one another"
    )
    audio_s = 16 * 60
    assert RATES.pods_s(audio_s, cores=4) == pytest.approx(15 + (12 * 10 + 0.2 * audio_s) / 2), "two batches"
    assert RATES.pods_s(audio_s, cores=1) == pytest.approx(15 + 12 * 10 + 0.2 * audio_s)


def test_spark_pays_from_the_first_size_on_at_which_it_stays_ahead() -> None:
    slow = replace(RATES, spark_start_s=120)
    from_s = pays_from_s(slow, cores=4)
    assert from_s is not None
    calls = round(from_s / slow.call_s)
    assert slow.pods_s((calls - 1) * 60, 4) <= slow.spark_s((calls - 1) * 60, 4)
    assert all(slow.spark_s(n * 60, 4) < slow.pods_s(n * 60, 4) for n in range(calls, calls + 100))


def test_spark_pays_at_once_or_never() -> None:
    assert pays_from_s(RATES, cores=4) == 60
    assert pays_from_s(replace(RATES, spark_efficiency=0.01), cores=4) is None


def test_what_a_thousand_hours_need() -> None:
    one, four = needs(RATES, POOL, 1000, [1, 4], executor_gib=1.5)
    assert (one.executors, four.executors) == (8, 32)
    assert one.hours == pytest.approx(1000 * 0.2 / (8 * 0.9) + 45 / HOUR_S)
    assert one.cost == pytest.approx(one.hours * (8 * 0.03 + 32 * 0.005))
    assert four.cost == pytest.approx(one.cost, rel=0.01), "more nodes are paid for a shorter time"


def test_memory_bounds_the_executors_of_a_node() -> None:
    assert POOL.executors(1.5) == 8
    assert POOL.executors(8) == 4
    with pytest.raises(ValueError, match="no room for an executor of 64 GiB"):
        needs(RATES, POOL, 1000, [1], executor_gib=64)
