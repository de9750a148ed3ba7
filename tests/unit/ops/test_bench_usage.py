"""Cores that there were, and what a pod held for how long."""

from __future__ import annotations

from typing import Any

import pytest

from ops.bench.spark.pods import Life, PodWatch, asked_by
from ops.bench.spark.usage import Sample, container_cpu_s, core_seconds, length_s, others_cores, united


def sampled(*others: float) -> list[Sample]:
    """A look each second: the cluster uses one core, others so many in the second that follows."""
    found = [Sample(0, 100, 10)]
    for number, cores in enumerate(others, 1):
        found.append(Sample(number, found[-1].machine_s + 1 + cores, 10 + number))
    return found


def test_on_a_machine_of_ones_own_all_cores_are_there() -> None:
    samples = sampled(0, 0, 0, 0)
    for shared in (True, False):
        assert core_seconds(samples, [(0, 4)], slots=1, cores=2, shared=shared) == pytest.approx(4)
        assert core_seconds(samples, [(0, 4)], slots=4, cores=2, shared=shared) == pytest.approx(8)


def test_what_others_use_is_not_there() -> None:
    samples = sampled(0.5, 0.5, 1.5, 1.5)
    assert core_seconds(samples, [(0, 4)], slots=2, cores=2) == pytest.approx(1.5 + 1.5 + 0.5 + 0.5)
    assert core_seconds(samples, [(0, 4)], slots=1, cores=2) == pytest.approx(1 + 1 + 0.5 + 0.5)
    assert core_seconds(samples, [(0, 4)], slots=2, cores=2, shared=False) == pytest.approx(8)
    assert others_cores(samples) == pytest.approx(1)


def test_only_the_time_at_work_counts() -> None:
    assert core_seconds(sampled(0, 1, 0), [(0.5, 1.5), (2.5, 9)], slots=2, cores=2) == pytest.approx(
        1 + 0.5 + 1
    )


def test_intervals_are_united() -> None:
    found = united([(5, 6), (0, 2), (1, 3), (3, 4)])
    assert found == [(0, 4), (5, 6)]
    assert length_s(found) == 5


def test_a_process_that_is_not_there_has_no_control_group() -> None:
    with pytest.raises(FileNotFoundError):
        container_cpu_s(2**22 + 1)


def pod(phase: str = "Pending", node: str = "", leaving: bool = False) -> dict[str, Any]:
    metadata = {"uid": "u", "name": "x"} | ({"deletionTimestamp": "now"} if leaving else {})
    requests = {"requests": {"cpu": "250m", "memory": "1Gi"}}
    spec = {"containers": [{"resources": requests}, {}]} | ({"nodeName": node} if node else {})
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


def lived() -> Life:
    watch = PodWatch(api=None, namespace="n", selector="s")
    for kind, seen, now in (
        ("ADDED", pod(), 1.0),
        ("MODIFIED", pod(node="n"), 2.0),
        ("MODIFIED", pod("Running", "n"), 4.0),
        ("MODIFIED", pod("Running", "n", leaving=True), 9.0),
        ("DELETED", pod("Running", "n", leaving=True), 12.0),
    ):
        watch.take(kind, seen, now)
    (life,) = watch.seen()
    return life


def test_a_life_has_its_times() -> None:
    life = lived()
    times = (life.created, life.placed, life.running, life.ended, life.leaving, life.gone)
    assert times == (1, 2, 4, None, 9, 12)


def test_a_pod_is_paid_while_it_is_on_its_node() -> None:
    asked = asked_by([lived()], now=100)
    assert asked.core_s == pytest.approx(10 * 0.25)
    assert asked.memory_mib_s == pytest.approx(10 * 1024)
    waiting = Life(pod(), created=1)
    assert asked_by([waiting], now=100).core_s == 0


def test_what_ended_the_watch_is_raised() -> None:
    watch = PodWatch(api=None, namespace="n", selector="s", error=OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        watch.seen()
