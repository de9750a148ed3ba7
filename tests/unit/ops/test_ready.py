"""When a stood-up platform counts as ready."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ops.environment import NotUpError
from ops.ready import not_ready, wait_until_ready


def workload(name: str, ready: int | None, wanted: int = 1, seen: int = 2) -> dict[str, Any]:
    status = {"observedGeneration": seen} | ({} if ready is None else {"readyReplicas": ready})
    about = {"namespace": "airflow-speech", "name": name, "generation": 2}
    return {"metadata": about, "spec": {"replicas": wanted}, "status": status}


def test_only_what_has_all_pods_ready_in_its_present_form_is_ready() -> None:
    items = [workload("a", 1), workload("b", None), workload("c", 1, wanted=2), workload("d", 1, seen=1)]
    assert not_ready(items) == [
        "airflow-speech/b: 0 of 1",
        "airflow-speech/c: 1 of 2",
        "airflow-speech/d: 1 of 1",
    ]


class Cluster(SimpleNamespace):
    def kubectl(self, *_: str) -> str:
        return json.dumps({"items": [workload("scheduler", next(self.ready))]})


def test_waits_and_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.ready.time.sleep", lambda _: None)
    said: list[str] = []
    environment: Any = Cluster(name="local", ready=iter([0, 0, 1]))
    wait_until_ready(environment, said.append)
    assert said == ["waiting for pods: airflow-speech/scheduler: 0 of 1 ready"]


def test_names_what_never_gets_ready() -> None:
    environment: Any = Cluster(name="local", ready=iter([0]))
    with pytest.raises(NotUpError, match=r"'local' is not up.*airflow-speech/scheduler: 0 of 1.*make up"):
        wait_until_ready(environment, print, within_s=-1)
