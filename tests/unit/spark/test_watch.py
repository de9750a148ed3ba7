"""The thread that finds out when there is no point in waiting longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from switchboard_spark.kube import ApiError, ApiUnreachableError
from switchboard_spark.model import EXIT_INFRASTRUCTURE, SparkTask
from switchboard_spark.pods import PodIdentity
from switchboard_spark.verdicts import Judgement
from switchboard_spark.watch import NOT_CREATED_S, Watcher
from tests.unit.spark.conftest import (
    creating,
    ended,
    event,
    make_task,
    waiting,
)


@dataclass
class FakeApi:
    """Answers what it was given, step by step, and then nothing more happens."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    steps: list[list[dict[str, Any]] | Exception] = field(default_factory=list)
    refuses: ApiError | None = None
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
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

    def events(self, pod: str) -> list[dict[str, Any]]:
        self.asked.append(f"events {pod}")
        return self.told.get(pod, [])

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
    api = FakeApi(
        listed=[waiting("ImagePullBackOff", "Back-off pulling image")],
        told={"exec-1": [event("Failed", "manifest unknown")]},
    )
    judgement, _ = watch(api, task, pod)
    assert "manifest unknown" in judgement.verdict.reason


def passing(api: FakeApi, task: SparkTask, pod: PodIdentity) -> Watcher:
    """A watcher that has listed the pods, and whose thread does nothing."""
    watcher = Watcher(api, task, pod, lambda: True, lambda _: None)  # type: ignore[arg-type]
    watcher.observer.replace_all(api.listed, 0)
    return watcher


def test_events_of_one_pod_are_asked_for_at_a_time(task: SparkTask, pod: PodIdentity) -> None:
    backing_off = [waiting("ImagePullBackOff", "Back-off pulling image", number) for number in (1, 2, 3)]
    api = FakeApi(listed=backing_off, told={"exec-2": [event("Failed", "429 Too Many Requests")]})
    watcher = passing(api, task, pod)
    for number in (1, 2, 3):
        watcher._find_troubles(number)
        assert api.asked == [f"events exec-{each}" for each in range(1, number + 1)]
    kinds = [watcher.observer.troubles[f"exec-{number}"].kind for number in (1, 2, 3)]
    assert kinds == ["no-image", "rate-limit", "no-image"], "what was heard is kept until the next time"


def test_a_pod_that_is_created_for_ever_is_trouble(
    task: SparkTask, pod: PodIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = event("FailedCreatePodSandBox", "failed to set up network: no addresses")
    api = FakeApi(listed=[creating()], told={"exec-1": [sandbox]})
    watcher = passing(api, task, pod)
    watcher._find_troubles(NOT_CREATED_S - 1)
    assert not api.asked
    watcher._find_troubles(NOT_CREATED_S)
    assert watcher.observer.judge(NOT_CREATED_S) is None
    judgement = watcher.observer.judge(NOT_CREATED_S + watcher.limit_s)
    assert judgement is not None
    assert judgement.exit_code == EXIT_INFRASTRUCTURE
    assert "FailedCreatePodSandBox: failed to set up network: no addresses" in judgement.verdict.reason
    assert "executor exec-1 does not start: it has had a node for 600 s" in caplog.text


def test_a_pull_that_takes_long_is_waited_for(task: SparkTask, pod: PodIdentity) -> None:
    api = FakeApi(listed=[creating()], told={"exec-1": [event("Pulling", "Pulling image", "Normal")]})
    watcher = passing(api, task, pod)
    for now in (NOT_CREATED_S, 3 * NOT_CREATED_S):
        watcher._find_troubles(now)
        assert watcher.observer.judge(now) is None


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
