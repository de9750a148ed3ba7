"""When there is no point in waiting longer."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard_spark.model import EXIT_INFRASTRUCTURE, EXIT_PERMANENT, SparkTask
from switchboard_spark.troubles import trouble_of
from switchboard_spark.watch import MISSING_S, ROW_S, Observer
from tests.unit.spark.conftest import creating, ended, executor, pulling, unschedulable, waiting


def see(observer: Observer, *pods: dict[str, Any], now: float = 0) -> None:
    for pod in pods:
        observer.change("MODIFIED", pod, now)
        if trouble := trouble_of(pod):
            observer.troubles[pod["metadata"]["name"]] = trouble


def test_a_death_is_told_once(task: SparkTask) -> None:
    observer = Observer(task)
    assert observer.change("ADDED", executor(1), 0) is None
    assert observer.change("MODIFIED", ended(1), 1) is not None
    assert observer.change("MODIFIED", ended(1), 2) is None
    assert observer.change("DELETED", ended(1), 3) is None
    assert len(observer.deaths) == 1
    assert not observer.pods


def test_executors_that_keep_dying_end_the_application(task: SparkTask) -> None:
    observer = Observer(task)  # 2 executors at most: 4 deaths
    for number in range(1, 4):
        see(observer, ended(number), now=number)
        assert observer.judge(number) is None
    see(observer, ended(4), now=4)
    judgement = observer.judge(4)
    assert judgement is not None
    assert "4 executors in a row" in judgement.verdict.reason


def test_a_row_is_broken_by_one_that_ended_well_and_by_time(task: SparkTask) -> None:
    observer = Observer(task)
    see(observer, *(ended(number) for number in (1, 2, 3)))
    see(observer, executor(4, "Succeeded"))
    see(observer, *(ended(number) for number in (5, 6, 7)), now=1)
    assert observer.judge(1) is None
    see(observer, ended(8), now=ROW_S + 2)
    assert observer.judge(ROW_S + 2) is None


def test_executors_that_the_cluster_takes_are_not_counted(task: SparkTask) -> None:
    observer = Observer(task)
    see(observer, *(executor(number, "Failed", reason="Evicted") for number in range(20)))
    assert observer.judge(0) is None
    assert len(observer.deaths) == 20


def test_an_executor_without_a_node_is_waited_for_and_then_not(task: SparkTask) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, unschedulable(1))
    assert observer.judge(10) is None
    assert observer.judge(129) is None
    judgement = observer.judge(130)
    assert judgement is not None
    assert judgement.exit_code == EXIT_INFRASTRUCTURE
    assert "120 s: 0/1 nodes are available" in judgement.verdict.reason


def test_one_that_runs_is_enough(task: SparkTask) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, unschedulable(1), executor(2, "Running"))
    assert observer.judge(0) is None
    assert observer.judge(1000) is None
    observer.change("DELETED", executor(2), 1000)
    assert observer.judge(1001) is None  # the waiting begins now
    assert observer.judge(1122) is not None


def test_a_node_that_was_found_ends_the_waiting(task: SparkTask) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, unschedulable(1))
    observer.judge(0)
    observer.troubles.clear()
    observer.change("MODIFIED", executor(1, "Pending"), 100)
    assert observer.judge(500) is None


def test_an_image_that_is_not_there_ends_it_at_once(task: SparkTask) -> None:
    observer = Observer(task)
    see(observer, waiting("ErrImagePull", "manifest unknown"))
    judgement = observer.judge(0)
    assert judgement is not None
    assert judgement.exit_code == EXIT_PERMANENT
    assert "manifest unknown" in judgement.verdict.reason


def test_an_image_that_one_node_does_not_find_leaves_those_that_run_alone(task: SparkTask) -> None:
    observer = Observer(task)
    see(observer, executor(1, "Running"), pulling("manifest unknown", 2))
    assert observer.judge(0) is None
    assert observer.judge(10_000) is None
    observer.change("DELETED", executor(1), 10_000)
    assert observer.judge(10_001) is not None


def test_a_registry_that_lets_nobody_in_is_waited_for_and_may_be_tried_again(task: SparkTask) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, pulling("failed to authorize: 401 Unauthorized"))
    assert observer.judge(0) is None
    judgement = observer.judge(120)
    assert judgement is not None
    assert judgement.exit_code == EXIT_INFRASTRUCTURE
    assert "401 Unauthorized" in judgement.verdict.reason


@pytest.mark.parametrize("coming", [creating(2), pulling("429 Too Many Requests", 2)])
def test_one_that_is_on_its_way_is_waited_for(task: SparkTask, coming: dict[str, Any]) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, unschedulable(1), coming)
    assert [observer.judge(now) for now in (0, 500)] == [None, None]
    observer.change("DELETED", coming, 500)
    assert observer.judge(501) is not None


def test_a_registrys_rate_limit_is_waited_out(task: SparkTask) -> None:
    observer = Observer(task, limit_s=1)
    see(observer, waiting("ErrImagePull", "429 Too Many Requests"))
    assert [observer.judge(now) for now in (0, 100, 10_000)] == [None, None, None]


def test_a_registry_that_is_away_is_not_waited_for_for_ever(task: SparkTask) -> None:
    observer = Observer(task, limit_s=120)
    see(observer, waiting("ErrImagePull", "connection refused"))
    assert observer.judge(0) is None
    judgement = observer.judge(121)
    assert judgement is not None
    assert judgement.exit_code == EXIT_INFRASTRUCTURE


def test_executors_are_missing_when_there_are_none_for_a_while(task: SparkTask) -> None:
    observer = Observer(task)
    assert not observer.is_missing(0)
    assert observer.is_missing(MISSING_S)
    see(observer, executor(1, "Pending"))
    assert not observer.is_missing(MISSING_S + 1)
    observer.change("DELETED", executor(1), 0)
    assert not observer.is_missing(MISSING_S + 2)


def test_a_list_forgets_who_is_gone(task: SparkTask) -> None:
    observer = Observer(task)
    see(observer, unschedulable(1), executor(2))
    deaths = observer.replace_all([executor(2), ended(3)], 0)
    assert [death.pod for death in deaths] == ["exec-3"]
    assert set(observer.pods) == {"exec-2", "exec-3"}
    assert not observer.troubles
