"""What is said of a Deployment that does not get ready, from the states of its pod's container."""

from typing import Any, cast

import pytest

from infra.offline.kubernetes_provider.cluster import Cluster
from infra.offline.kubernetes_provider.reasons import explain

ENDED = {"terminated": {"reason": "Error", "exitCode": 1}}
WAITS = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
RUNS: dict[str, Any] = {"running": {}}


class FakeCluster:
    """One pod; which of its container's logs were asked for."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.pod = {
            "metadata": {"name": "web-1", "namespace": "n", "uid": "u"},
            "status": {"phase": "Running", "containerStatuses": [{"name": "web", **status}]},
        }
        self.previous: list[bool] = []

    def items(self, place: Any, **_: Any) -> list[Any]:
        return [self.pod] if place.kind == "Pod" else []

    def log_tail(self, *_: Any, previous: bool) -> str:
        self.previous.append(previous)
        return "panic: no such file"


def said(cluster: FakeCluster) -> str:
    deployment = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "n", "uid": "d"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    }
    return "\n".join(explain(cast("Cluster", cluster), deployment))


@pytest.mark.parametrize(
    ("state", "ready", "words", "previous"),
    [
        (WAITS, False, 'container web: CrashLoopBackOff "back-off 10s"', True),
        (ENDED, False, "container web: Error, exit code 1", False),
        (RUNS, False, "container web: Error, exit code 1", True),
        (RUNS, True, "container web: Error, exit code 1", True),
    ],
)
def test_a_crash_is_told_at_whatever_moment_it_is_looked_at(
    state: dict[str, Any], ready: bool, words: str, previous: bool
) -> None:
    cluster = FakeCluster({"state": state, "lastState": ENDED, "restartCount": 2, "ready": ready})
    assert words in said(cluster)
    assert "panic: no such file" in said(cluster)
    assert set(cluster.previous) == {previous}


def test_what_runs_and_is_ready_is_no_reason() -> None:
    cluster = FakeCluster({"state": RUNS, "restartCount": 0, "ready": True})
    assert said(cluster) == ""
