"""When there is no point in waiting longer, and the thread that finds it out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from switchboard_spark.kube import ApiError, ApiUnreachableError
from switchboard_spark.model import EXIT_INFRASTRUCTURE, EXIT_PERMANENT, SparkTask
from switchboard_spark.pods import PodIdentity
from switchboard_spark.verdicts import Judgement, trouble_of
from switchboard_spark.watch import MISSING_S, ROW_S, Observer, Watcher
from tests.unit.spark.conftest import ended, executor, make_task, unschedulable, waiting


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


@dataclass
class FakeApi:
    """Answers what it was given, step by step, and then nothing more happens."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    steps: list[list[dict[str, Any]] | Exception] = field(default_factory=list)
    refuses: ApiError | None = None
    asked: list[str] = field(default_factory=list)

    def pods(self, selector: str) -> tuple[list[dict[str, Any]], str]:
        self.asked.append(f"list {selector}")
        return self.listed, "1"

    def changes(self, selector: str, version: str, wait_s: int) -> Iterator[dict[str, Any]]:
        self.asked.append(f"watch {version}")
        step = self.steps.pop(0) if self.steps else []
        if isinstance(step, Exception):
            raise step
        yield from step

    def log_tail(self, pod: str, lines: int) -> str:
        self.asked.append(f"log {pod}")
        return f"{lines} lines of {pod}"

    def warnings(self, pod: str) -> list[str]:
        return ["Failed: manifest unknown"]

    def try_create(self, pod: dict[str, Any]) -> None:
        if self.refuses:
            raise self.refuses


def watch(api: FakeApi, task: SparkTask, pod: PodIdentity, **options: Any) -> tuple[Judgement, Watcher]:
    """Run the thread until it gives up."""
    found, done = [], threading.Event()

    def end(judgement: Judgement) -> None:
        found.append(judgement)
        done.set()

    watcher = Watcher(api, task, pod, lambda: True, end, **options)  # type: ignore[arg-type]
    watcher.start()
    assert done.wait(10)
    watcher.stop()
    return found[0], watcher


def modified(pod: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MODIFIED", "object": pod}


def test_the_thread_reads_logs_of_the_dead_before_they_are_gone(pod: PodIdentity) -> None:
    task = make_task(executors_max=1)
    api = FakeApi(steps=[[modified(ended(number))] for number in (1, 2, 3)])
    judgement, watcher = watch(api, task, pod)
    assert "3 executors in a row" in judgement.verdict.reason
    assert [death.tail for death in watcher.observer.deaths] == [f"40 lines of exec-{n}" for n in (1, 2, 3)]
    assert api.asked[0] == "list switchboard/spark-driver=0a1b-2c3d"
    assert "watch 2" in api.asked  # goes on where it was


def test_the_thread_asks_for_events_where_a_state_says_too_little(task: SparkTask, pod: PodIdentity) -> None:
    api = FakeApi(listed=[waiting("ImagePullBackOff", "Back-off pulling image")])
    judgement, _ = watch(api, task, pod)
    assert "manifest unknown" in judgement.verdict.reason


def test_the_thread_lists_again_when_its_version_is_too_old(
    task: SparkTask, pod: PodIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard_spark.watch.WAIT_S", 0)
    steps: list[list[dict[str, Any]] | Exception] = [
        ApiError(410, "too old"),
        ApiUnreachableError("GET pods: refused"),
        [modified(waiting("ErrImagePull", "not found"))],
    ]
    api = FakeApi(steps=steps)
    judgement, _ = watch(api, task, pod)
    assert "not found" in judgement.verdict.reason
    assert sum(asked.startswith("list") for asked in api.asked) == 3


def test_the_thread_asks_why_there_are_no_executors_at_all(
    task: SparkTask, pod: PodIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard_spark.watch.MISSING_S", 0)
    api = FakeApi(
        refuses=ApiError(403, "exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4")
    )
    judgement, _ = watch(api, task, pod)
    assert "exceeded quota" in judgement.verdict.reason
