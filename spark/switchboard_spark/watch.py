"""Watches a driver's executors: remembers how they died, and says when there is no point in waiting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from switchboard_spark import troubles, verdicts
from switchboard_spark.conf import failure_limit
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError
from switchboard_spark.model import UNSCHEDULABLE_S, SparkTask
from switchboard_spark.pods import DRIVER_LABEL, PodIdentity, trial_pod
from switchboard_spark.troubles import Trouble
from switchboard_spark.verdicts import Death, Judgement

log = logging.getLogger("switchboard.spark")

Object = dict[str, Any]

NOT_CREATED_S = 600.0
"""How long a pod with a node may be without a container before that is trouble: volumes and networks come
late, and a large image must fit on a slow network even where no event says that it is being pulled.
"""

MISSING_S = 30.0
"""How long no executor may be there, or on its way, while jobs wait, before the API server is asked why."""

ROW_S = 600.0
"""Deaths further apart than this are not in a row."""

WAIT_S = 5
"""How long the API server holds a question for changes; what takes too long is looked for in between."""

TAIL_LINES = 40


@dataclass
class Observer:
    """What is known of the executors. Time is handed in, in seconds of any clock."""

    task: SparkTask
    limit_s: float = UNSCHEDULABLE_S
    deaths: list[Death] = field(default_factory=list)
    pods: dict[str, Object] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    _placed: dict[str, float] = field(default_factory=dict)
    """Since when pods that have not started have a node."""
    _row: list[tuple[float, Death]] = field(default_factory=list)
    _stuck_since: float | None = None
    _none_since: float | None = None

    def change(self, kind: str, pod: Object, now: float) -> Death | None:
        """Take in a change of a pod (ADDED, MODIFIED, DELETED); gives the death that it tells of, once."""
        name, phase = pod["metadata"]["name"], pod["status"].get("phase")
        known = self.pods.pop(name, None)
        ended_before = known is not None and known["status"].get("phase") in ("Failed", "Succeeded")
        if kind != "DELETED":
            self.pods[name] = pod
        if phase != "Pending" or kind == "DELETED":
            self._forget_start(name)
        elif troubles.is_scheduled(pod):
            self._placed.setdefault(name, now)
        if phase == "Succeeded":
            self._row.clear()
        death = verdicts.death_of(pod)
        if death is None or ended_before:
            return None
        self.deaths.append(death)
        if not death.by_cluster:
            self._row = [each for each in self._row if now - each[0] < ROW_S] + [(now, death)]
        return death

    def replace_all(self, pods: list[Object], now: float) -> list[Death]:
        """Take in a whole list; gives the deaths that it tells of."""
        there = {pod["metadata"]["name"] for pod in pods}
        for name in self.pods.keys() - there:
            self.pods.pop(name)
            self._forget_start(name)
        return [death for pod in pods if (death := self.change("MODIFIED", pod, now))]

    def _forget_start(self, name: str) -> None:
        self.troubles.pop(name, None)
        self._placed.pop(name, None)

    def placed_for(self, name: str, now: float) -> float:
        """For how many seconds a pod that has not started has had a node; 0 where it has none."""
        return now - self._placed.get(name, now)

    def count(self, phase: str) -> int:
        """How many executors are in a phase."""
        return sum(pod["status"].get("phase") == phase for pod in self.pods.values())

    def judge(self, now: float) -> Judgement | None:
        """Whether there is no point in waiting longer."""
        if len(self._row) >= failure_limit(self.task.size):
            return verdicts.dying([death for _, death in self._row], self.task)
        stuck = [each for each in self.troubles.values() if each.kind != "rate-limit"]
        if not stuck or self.count("Running"):
            self._stuck_since = None
            return None
        if refused := next((each for each in stuck if each.kind == "refused"), None):
            return verdicts.not_starting(refused, 0, self.task)
        self._stuck_since = now if self._stuck_since is None else self._stuck_since
        waited = now - self._stuck_since
        if waited < self.limit_s or self._is_one_coming():
            return None
        return verdicts.not_starting(stuck[-1], waited, self.task)

    def _is_one_coming(self) -> bool:
        """Whether an executor with a node is on its way. A registry that asks to wait is waited for; it says
        itself that it will be well.
        """
        kinds = (trouble.kind if (trouble := self.troubles.get(name)) else None for name in self._placed)
        return any(kind in (None, "rate-limit") for kind in kinds)

    def is_missing(self, now: float) -> bool:
        """Whether there has been no executor, running or to come, for so long that something is wrong."""
        if self.count("Running") or self.count("Pending"):
            self._none_since = None
            return False
        self._none_since = now if self._none_since is None else self._none_since
        return now - self._none_since >= MISSING_S


@dataclass
class Watcher:
    """The thread that feeds an Observer and speaks of what it finds."""

    api: Api
    task: SparkTask
    pod: PodIdentity
    wanted: Callable[[], bool]
    """Whether jobs wait for executors."""
    end: Callable[[Judgement], None]
    """Called once, in this thread."""
    limit_s: float = UNSCHEDULABLE_S
    observer: Observer = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _asked: int = 0
    """How many times a pod's events were asked for."""

    def __post_init__(self) -> None:
        self.observer = Observer(self.task, self.limit_s)
        self._thread = threading.Thread(target=self._run, name="executor-watcher", daemon=True)

    @property
    def selector(self) -> str:
        """The labels of this driver's executors."""
        return f"{DRIVER_LABEL}={self.pod.uid}"

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """What happens from now on is the end of the application. Does not wait."""
        self._stop.set()

    def _run(self) -> None:
        version: str | None = None
        while not self._stop.is_set():
            try:
                version = self._listed() if version is None else self._watched(version)
                judgement = self._judge()
            except (ApiError, ApiUnreachableError) as error:
                version = None
                if not (isinstance(error, ApiError) and error.status == HTTPStatus.GONE):
                    log.warning("executors cannot be watched: %s", error)
                    self._stop.wait(WAIT_S)
                continue
            if judgement and not self._stop.is_set():
                self.end(judgement)
                return

    def _listed(self) -> str:
        pods, version = self.api.pods(self.selector)
        for death in self.observer.replace_all(pods, time.monotonic()):
            self._mourn(death)
        return version

    def _watched(self, version: str) -> str:
        for change in self.api.changes(self.selector, version, WAIT_S):
            pod = change["object"]
            version = pod["metadata"]["resourceVersion"]
            death = self.observer.change(change["type"], pod, time.monotonic())
            if death:
                self._mourn(death)
                break  # what it means is looked at now
        return version

    def _mourn(self, death: Death) -> None:
        """Fetch the end of a dead executor's log before Spark removes the pod; its status has less of it."""
        log.warning("executor %s", death)
        if death.reason == "Evicted":
            return
        try:
            tail = self.api.log_tail(death.pod, TAIL_LINES)
        except (ApiError, ApiUnreachableError):
            return
        if tail:
            place = self.observer.deaths.index(death)
            self.observer.deaths[place] = replace(death, tail=tail)

    def _judge(self) -> Judgement | None:
        now = time.monotonic()
        self._find_troubles(now)
        judgement = self.observer.judge(now)
        if judgement is None and self.observer.is_missing(now) and self.wanted():
            try:
                self.api.try_create(trial_pod(self.task, self.pod))
            except ApiError as error:
                return verdicts.refusal(error.status, str(error))
        return judgement

    def _find_troubles(self, now: float) -> None:
        """See why pods do not start, and speak of it once for each reason."""
        found = {
            name: troubles.trouble_of(pod)
            for name, pod in self.observer.pods.items()
            if pod["status"].get("phase") == "Pending"
        }
        unclear = [name for name, trouble in found.items() if self._is_unclear(name, trouble, now)]
        for name in unclear:
            before = self.observer.troubles.get(name)
            if before and before.kind not in ("unschedulable", "no-container"):
                found[name] = before  # its events said so; it is asked again in its turn
        if unclear:
            # One question each time, in turn: hundreds may want the same image.
            asked = unclear[self._asked % len(unclear)]
            self._asked += 1
            found[asked] = self._trouble_by_events(asked, now)
        for name, trouble in found.items():
            self._take_in(name, trouble)

    def _is_unclear(self, name: str, trouble: Trouble | None, now: float) -> bool:
        """Whether its events may say more than its status."""
        if trouble is None:
            return self.observer.placed_for(name, now) >= NOT_CREATED_S
        return trouble.kind == "no-image"

    def _trouble_by_events(self, name: str, now: float) -> Trouble | None:
        events = self.api.events(name)
        trouble = troubles.trouble_of(self.observer.pods[name], events)
        return trouble or troubles.not_created(events, self.observer.placed_for(name, now))

    def _take_in(self, name: str, trouble: Trouble | None) -> None:
        before = self.observer.troubles.pop(name, None)
        if trouble is None:
            return
        if before is None or before.kind != trouble.kind:
            log.warning("executor %s does not start: %s", name, trouble.message)
        self.observer.troubles[name] = trouble
