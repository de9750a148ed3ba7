"""The wire format, and what is sent and kept of objects."""

from typing import Any

import pytest

from infra.offline.kubernetes_provider.objects import (
    Ref,
    hide,
    imported_inputs,
    kind_of_type,
    name_in_urn,
    outputs,
    previewed,
    to_apply,
)
from infra.offline.kubernetes_provider.reasons import label_selector
from infra.offline.kubernetes_provider.values import decode, has_unknown, secret
from infra.offline.markers import UNKNOWN, encode

NUMBER_UNKNOWN = "3eeb2bf0-c639-47a8-9e75-3b44932eb421"


def test_values_survive_the_wire() -> None:
    value = {"n": 3, "f": 0.5, "t": "x", "b": True, "list": [1, {"a": None, "b": []}], "empty": {}}
    assert decode(encode(value)) == {**value, "list": [1, {"b": []}]}
    assert isinstance(decode(encode({"n": 3}))["n"], int)


def test_secrets_are_unwrapped_and_unknowns_recognised() -> None:
    value = decode(encode({"s": secret({"a": 1}), "u": [NUMBER_UNKNOWN]}))
    assert value == {"s": {"a": 1}, "u": [UNKNOWN]}
    assert has_unknown(value)
    assert not has_unknown({"s": [1, "x"]})


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:core/v1:Namespace", ("v1", "Namespace")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", ("rbac.authorization.k8s.io/v1", "Role")),
    ],
)
def test_kind_of_a_type(token: str, expected: tuple[str, str]) -> None:
    assert kind_of_type(token) == expected


def test_names_with_colons_in_urns() -> None:
    assert name_in_urn("urn:pulumi:s::p::a:b:C$kubernetes:core/v1:Secret::x::y") == "x::y"


@pytest.mark.parametrize(
    ("kind", "identity", "expected"),
    [
        ("Secret", "team/a", Ref("v1", "Secret", "a", "team")),
        ("Secret", "a", Ref("v1", "Secret", "a", "default")),
        ("Namespace", "a", Ref("v1", "Namespace", "a")),
    ],
)
def test_identities(kind: str, identity: str, expected: Ref) -> None:
    assert Ref.parse("v1", kind, identity, "default") == expected
    assert Ref.parse("v1", kind, expected.id, "other") == expected


def _secret(**rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "managedFields": [1]}, **rest}


def test_text_of_a_secret_goes_as_data_and_comes_back_hidden() -> None:
    inputs = _secret(stringData={"a": "x"}, data={"b": "eQ=="})
    body = to_apply(inputs)
    assert body["data"] == {"a": "eA==", "b": "eQ=="}
    assert "stringData" not in body
    kept = outputs(body, inputs)
    assert kept["data"] == secret(body["data"])
    assert kept["stringData"] == secret({"a": "x"})
    assert "managedFields" not in kept["metadata"]


def test_nothing_but_secrets_is_hidden() -> None:
    config = {"kind": "ConfigMap", "data": {"a": "b"}}
    assert hide(config) == config


def test_import_leaves_out_what_the_server_sets() -> None:
    live = _secret(
        status={}, metadata={"name": "s", "uid": "1", "resourceVersion": "2", "labels": {"a": "b"}}
    )
    assert imported_inputs(live) == _secret(metadata={"name": "s", "labels": {"a": "b"}})


def test_preview_knows_only_what_can_be_known() -> None:
    service = {"kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [1]}}
    new = previewed(service, None)
    assert new["spec"] == {"clusterIP": UNKNOWN, "clusterIPs": UNKNOWN, "ports": [1]}
    assert new["status"] == new["metadata"]["uid"] == UNKNOWN
    old = {**service, "spec": {"clusterIP": "10.0.0.1", "ports": [2]}, "status": {}}
    assert previewed(service, old)["spec"] == {"clusterIP": "10.0.0.1", "ports": [1]}


def test_label_selector() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": expressions}
    assert label_selector(selector) == "app=web,a in (x,y),b notin (z),c,!d"
