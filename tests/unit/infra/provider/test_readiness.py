"""When things are ready."""

from typing import Any

import pytest

from infra.offline.kubernetes_provider.objects import Ref
from infra.offline.kubernetes_provider.readiness import SKIP, assess

Obj = dict[str, Any]


class Lookup:
    """A cluster that holds one thing."""

    def __init__(self, got: Obj | None = None, listed: list[Obj] | None = None) -> None:
        self.got, self.listed = got, listed or []

    def get(self, ref: Ref) -> Obj | None:
        return self.got

    def items(self, like: Ref, *, labels: str = "", fields: str = "") -> list[Obj]:
        return self.listed


def _object(kind: str, api_version: str, spec: Obj, status: Obj, observed: int = 1) -> Obj:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "a", "namespace": "team", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": observed, **status},
    }


def _state(obj: Obj, cluster: Lookup | None = None) -> str:
    return assess(obj, cluster or Lookup()).state


def _deployment(total: int, updated: int, available: int, observed: int = 1) -> Obj:
    status = {"replicas": total, "updatedReplicas": updated, "availableReplicas": available}
    return _object("Deployment", "apps/v1", {"replicas": 2}, status, observed)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (_deployment(2, 2, 2), "ready"),
        (_deployment(2, 2, 2, observed=0), "waiting"),
        (_deployment(2, 2, 1), "waiting"),
        (_deployment(3, 2, 3), "waiting"),
        (_deployment(2, 1, 2), "waiting"),
    ],
    ids=["all", "not seen yet", "one missing", "an old one left", "an old one serves"],
)
def test_deployment(obj: Obj, expected: str) -> None:
    assert _state(obj) == expected


def test_deployment_past_its_deadline_fails_with_the_message() -> None:
    obj = _deployment(1, 1, 0)
    obj["status"]["conditions"] = [
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    ]
    verdict = assess(obj, Lookup())
    assert (verdict.state, '"too slow"' in verdict.why) == ("failed", True)


@pytest.mark.parametrize(
    ("spec", "ready", "updated", "expected"),
    [
        ({"replicas": 2}, 2, 2, "ready"),
        ({"replicas": 2}, 1, 2, "waiting"),
        ({"replicas": 2}, 2, 1, "waiting"),
        ({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}, 2, 0, "ready"),
        ({"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}, 2, 1, "ready"),
        ({"replicas": 0}, 0, 0, "ready"),
    ],
)
def test_stateful_set(spec: Obj, ready: int, updated: int, expected: str) -> None:
    status = {"readyReplicas": ready, "updatedReplicas": updated}
    assert _state(_object("StatefulSet", "apps/v1", spec, status)) == expected


@pytest.mark.parametrize(("available", "expected"), [(3, "ready"), (2, "waiting")])
def test_daemon_set(available: int, expected: str) -> None:
    status = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": available}
    assert _state(_object("DaemonSet", "apps/v1", {}, status)) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "waiting"),
        ([{"type": "Complete", "status": "True"}], "ready"),
        ([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}], "failed"),
    ],
)
def test_job(conditions: list[Obj], expected: str) -> None:
    assert _state(_object("Job", "batch/v1", {}, {"conditions": conditions})) == expected


@pytest.mark.parametrize(
    ("phase", "mode", "expected"),
    [
        ("Bound", "Immediate", "ready"),
        ("Pending", "Immediate", "waiting"),
        ("Pending", "WaitForFirstConsumer", "ready"),
        ("Lost", "Immediate", "failed"),
    ],
)
def test_claim(phase: str, mode: str, expected: str) -> None:
    obj = _object("PersistentVolumeClaim", "v1", {"storageClassName": "standard"}, {"phase": phase})
    assert _state(obj, Lookup(got={"volumeBindingMode": mode})) == expected


@pytest.mark.parametrize(
    ("spec", "endpoints", "expected"),
    [
        ({"selector": {"a": "b"}}, [{"conditions": {"ready": True}}], "ready"),
        ({"selector": {"a": "b"}}, [{"conditions": {"ready": False}}], "waiting"),
        ({"selector": {"a": "b"}}, None, "waiting"),
        ({}, [], "ready"),
        ({"selector": {"a": "b"}, "clusterIP": "None"}, [], "ready"),
        ({"selector": {"a": "b"}, "type": "ExternalName"}, [], "ready"),
        ({"selector": {"a": "b"}, "type": "LoadBalancer"}, [{}], "waiting"),
    ],
)
def test_service(spec: Obj, endpoints: list[Obj] | None, expected: str) -> None:
    assert _state(_object("Service", "v1", spec, {}), Lookup(listed=[{"endpoints": endpoints}])) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Pending"}, "waiting"),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, "ready"),
        ({"phase": "Succeeded"}, "ready"),
        ({"phase": "Failed", "reason": "Evicted", "message": "m"}, "failed"),
    ],
)
def test_pod(status: Obj, expected: str) -> None:
    assert _state(_object("Pod", "v1", {}, status)) == expected


def test_definition_of_a_kind() -> None:
    made = _object("CustomResourceDefinition", "apiextensions.k8s.io/v1", {}, {})
    assert _state(made) == "waiting"
    made["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert _state(made) == "ready"
    made["status"]["conditions"] = [{"type": "NamesAccepted", "status": "False", "reason": "Taken"}]
    assert _state(made) == "failed"


def test_what_has_no_rule_or_says_so_is_ready() -> None:
    assert _state(_object("ConfigMap", "v1", {}, {})) == "ready"
    assert _state(_object("Deployment", "example.com/v1", {}, {})) == "ready"
    skipped = _deployment(0, 0, 0)
    skipped["metadata"]["annotations"] = {SKIP: "true"}
    assert _state(skipped) == "ready"
