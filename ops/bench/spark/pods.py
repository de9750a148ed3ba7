"""The lives of pods, as the API server tells them while they happen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from kubernetes import client, config, watch

from infra.shared.paths import Paths
from ops.environment import Environment
from switchboard_spark.quotas import quantity
from switchboard_spark.records import Asked

MIB = 2**20
JOIN_S = 10.0


@dataclass
class Life:
    """A pod and when it was seen in which state, in seconds of the clock; None: never."""

    pod: dict[str, Any]
    created: float
    placed: float | None = None
    running: float | None = None
    ended: float | None = None
    leaving: float | None = None
    """Asked to go."""
    gone: float | None = None

    def see(self, kind: str, pod: dict[str, Any], now: float) -> None:
        """Take in a change (ADDED, MODIFIED, DELETED)."""
        self.pod = pod
        phase = pod["status"].get("phase")
        facts = {
            "placed": bool(pod["spec"].get("nodeName")),
            "running": phase == "Running",
            "ended": phase in ("Succeeded", "Failed"),
            "leaving": "deletionTimestamp" in pod["metadata"],
            "gone": kind == "DELETED",
        }
        for name, true in facts.items():
            if true and getattr(self, name) is None:
                setattr(self, name, now)

    def on_node_s(self, now: float) -> float:
        """How long it held what it asked for, until `now`."""
        ends = [each for each in (self.ended, self.gone) if each is not None]
        return 0.0 if self.placed is None else min([*ends, now]) - self.placed

    @property
    def requests(self) -> tuple[float, float]:
        """Cores and MiB that its containers ask for together."""
        asked = [each.get("resources", {}).get("requests", {}) for each in self.pod["spec"]["containers"]]
        cores, memory = (
            sum(quantity(each.get(name, "0")) or 0.0 for each in asked) for name in ("cpu", "memory")
        )
        return cores, memory / MIB


def asked_by(lives: Iterable[Life], now: float) -> Asked:
    """Requests over time, of all pods together."""
    every = [(life.requests, life.on_node_s(now)) for life in lives]
    return Asked(
        core_s=sum(cores * seconds for (cores, _), seconds in every),
        memory_mib_s=sum(memory * seconds for (_, memory), seconds in every),
    )


def api_of(environment: Environment) -> client.CoreV1Api:
    """A client of the environment's API server."""
    return client.CoreV1Api(config.new_client_from_config(str(Paths.of(environment.name).kubeconfig)))


@dataclass
class PodWatch:
    """Watches the pods of a namespace with these labels, in a thread, from `with` to its end."""

    api: client.CoreV1Api
    namespace: str
    selector: str
    clock: Callable[[], float] = time.time
    lives: dict[str, Life] = field(default_factory=dict)
    """By the pods' uids."""
    error: Exception | None = None
    """Why it saw no more."""

    def __enter__(self) -> Self:
        self._watch = watch.Watch(return_type="object")  # as JSON: a model of each pod takes long to make
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="pod-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._watch.stop()
        self._thread.join(JOIN_S)

    def seen(self) -> list[Life]:
        """All lives up to now. Raises what ended the watch, if anything did."""
        if self.error:
            raise self.error
        return list(self.lives.values())

    def _run(self) -> None:
        try:
            for change in self._watch.stream(
                self.api.list_namespaced_pod, self.namespace, label_selector=self.selector
            ):
                self.take(change["type"], change["object"], self.clock())
        except Exception as error:  # noqa: BLE001  told by `seen`; a closed connection is how it is stopped
            if not self._stopped:
                self.error = error

    def take(self, kind: str, pod: dict[str, Any], now: float) -> None:
        """Take in a change."""
        life = self.lives.setdefault(pod["metadata"]["uid"], Life(pod, created=now))
        life.see(kind, pod, now)
