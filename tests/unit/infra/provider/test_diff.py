"""What changes, what is replaced, what drifted."""

from typing import Any

import pytest

from infra.offline.kubernetes_provider.checks import AUTONAMED
from infra.offline.kubernetes_provider.diff import Change, compare, live_inputs, must_delete_first
from infra.offline.markers import UNKNOWN


def _object(kind: str = "Deployment", api_version: str = "apps/v1", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "team"}, **rest}


def _paths(changes: list[Change]) -> dict[str, tuple[str, bool]]:
    return {change.property_path: (change.kind, change.replaces) for change in changes}


def test_no_change() -> None:
    spec = {"replicas": 1, "template": {"containers": [{"name": "a"}]}}
    assert compare(_object(spec=spec), _object(spec={**spec, "replicas": 1.0})) == []
    assert compare(_object(spec={"volumes": []}), _object(spec={})) == []


def test_names_each_property_that_changes() -> None:
    old = _object(spec={"list": [{"a": 1}, {"b": 2}], "labels": {"x.y/z": "1", "gone": "1"}})
    new = _object(spec={"list": [{"a": 2}], "labels": {"x.y/z": "2", "new": "1"}})
    assert _paths(compare(old, new)) == {
        "spec.list[0].a": ("update", False),
        "spec.list[1]": ("delete", False),
        'spec.labels["x.y/z"]': ("update", False),
        "spec.labels.gone": ("delete", False),
        "spec.labels.new": ("add", False),
    }


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = [value] if key == "0" else {key: value}
    return dict(value)


@pytest.mark.parametrize(
    ("kind", "api_version", "path", "replaces"),
    [
        ("Deployment", "apps/v1", "spec.selector.matchLabels.app", True),
        ("Deployment", "apps/v1", "spec.template.spec.nodeName", False),
        ("Deployment", "example.com/v1", "spec.selector.matchLabels.app", False),
        ("Job", "batch/v1", "spec.template.spec.containers.0.image", True),
        ("Job", "batch/v1", "spec.parallelism", False),
        ("PersistentVolumeClaim", "v1", "spec.storageClassName", True),
        ("PersistentVolumeClaim", "v1", "spec.resources.requests.storage", False),
        ("Pod", "v1", "spec.containers.0.image", False),
        ("Pod", "v1", "spec.containers.0.command", True),
        ("RoleBinding", "rbac.authorization.k8s.io/v1", "roleRef.name", True),
        ("Service", "v1", "spec.clusterIP", True),
        ("Service", "v1", "spec.ports.0.port", False),
        ("StatefulSet", "apps/v1", "spec.volumeClaimTemplates.0.spec.storageClassName", True),
        ("StatefulSet", "apps/v1", "spec.serviceName", True),
        ("StatefulSet", "apps/v1", "spec.replicas", False),
    ],
)
def test_replaces_what_cannot_be_changed(kind: str, api_version: str, path: str, *, replaces: bool) -> None:
    old, new = (_object(kind, api_version, **_nested(path, value)) for value in ("a", "b"))
    (change,) = compare(old, new)
    assert change.replaces is replaces


def test_replaces_on_another_name_or_namespace() -> None:
    for key in ("name", "namespace"):
        new = _object()
        new["metadata"] = {**new["metadata"], key: "b"}
        assert _paths(compare(_object(), new)) == {f"metadata.{key}": ("update", True)}


def test_taking_an_object_away_that_encloses_an_immutable_field_replaces() -> None:
    assert compare(_object(spec={"selector": {"a": "b"}}), _object())[0].replaces
    assert not compare(_object(spec={"selector": {"a": "b"}}), _object(spec=UNKNOWN))[0].replaces


@pytest.mark.parametrize(
    ("kind", "setting"), [("ConfigMap", "config_maps_mutable"), ("Secret", "secrets_mutable")]
)
def test_config_maps_and_secrets_change_only_if_declared_mutable(kind: str, setting: str) -> None:
    old, new = (_object(kind, "v1", data={"a": value}) for value in "xy")
    assert compare(old, new)[0].replaces
    assert not compare(old, new, **{setting: True})[0].replaces
    assert compare({**old, "immutable": True}, {**new, "immutable": True}, **{setting: True})[0].replaces


def test_of_an_imported_object_only_what_the_program_says_counts() -> None:
    live = _object(spec={"replicas": 2, "progressDeadlineSeconds": 600}, status={"replicas": 2})
    assert compare(live, _object(spec={"replicas": 2}), imported=True) == []
    assert _paths(compare(live, _object(spec={"replicas": 3}), imported=True)) == {
        "spec.replicas": ("update", False)
    }


def test_deletes_first_where_the_name_stays() -> None:
    autonamed = _object()
    autonamed["metadata"] = {**autonamed["metadata"], "annotations": {AUTONAMED: "true"}}
    assert must_delete_first(_object(), _object())
    assert not must_delete_first(_object(), autonamed)
    assert not must_delete_first(_object(), {**_object(), "metadata": {"name": "b", "namespace": "team"}})


CONTAINER = {"name": "c", "image": "x:1", "resources": {"cpu": "1000m"}, "args": ["a"]}
LIVE = {**CONTAINER, "resources": {"cpu": "1"}, "pullPolicy": "Always"}


def _drift(wanted: Any, before: Any, live: Any) -> Any:
    return live_inputs(_object(spec=wanted), _object(spec=before), _object(spec=live))["spec"]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (LIVE, CONTAINER),
        ({**LIVE, "image": "y"}, {**CONTAINER, "image": "y"}),
        ({**LIVE, "resources": {"cpu": "2"}}, {**CONTAINER, "resources": {"cpu": "2"}}),
        ({**LIVE, "pullPolicy": "Never"}, CONTAINER),
        ({**LIVE, "args": ["a", "b"]}, {**CONTAINER, "args": ["a", "b"]}),
        ({key: value for key, value in LIVE.items() if key != "args"},
         {key: value for key, value in CONTAINER.items() if key != "args"}),
    ],
    ids=["none", "changed", "beside what the server rewrote", "not ours", "list", "gone"],
)  # fmt: skip
def test_drift_of_what_we_manage(live: Any, expected: Any) -> None:
    assert _drift({"containers": [CONTAINER]}, {"containers": [LIVE]}, {"containers": [live]}) == {
        "containers": [expected]
    }


def test_what_others_add_to_a_list_by_name_is_left_alone_and_what_they_take_is_drift() -> None:
    one, two, theirs = ({"name": name, "value": name} for name in ("one", "two", "theirs"))
    assert _drift([one, two], [one, two], [theirs, two, one]) == [one, two]
    assert _drift([one, two], [one, two], [theirs, two]) == [two]


def test_drift_of_a_secret_that_was_given_as_text() -> None:
    inputs = _object("Secret", "v1", stringData={"a": "x"})
    before, live = (_object("Secret", "v1", data={"a": value}) for value in ("eA==", "eQ=="))
    assert live_inputs(inputs, before, before) == inputs
    assert live_inputs(inputs, before, live)["stringData"] == {"a": "y"}
