"""Names, namespaces and refusals."""

from typing import Any

import pytest

from infra.offline.kubernetes_provider.checks import Asked, Problem, check
from infra.offline.markers import UNKNOWN

URN = "urn:pulumi:local::project::kubernetes:core/v1:ConfigMap::Settings"


def _asked(
    inputs: dict[str, Any], old: dict[str, Any] | None = None, namespace: str | None = "team"
) -> Asked:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", **inputs}
    return Asked(URN, "kubernetes:core/v1:ConfigMap", inputs, old or {}, b"seed", namespace)


def _named(kind: str, name: str, api_version: str = "v1") -> list[Problem]:
    asked = _asked({"kind": kind, "apiVersion": api_version, "metadata": {"name": name}})
    return check(asked)[1]


def test_makes_a_name_and_remembers_that_it_did() -> None:
    first, problems = check(_asked({}))
    metadata = first["metadata"]
    assert not problems
    assert metadata["name"].startswith("settings-")
    assert len(metadata["name"]) == len("settings-") + 8
    assert metadata["annotations"] == {"pulumi.com/autonamed": "true"}
    assert metadata["namespace"] == "team"


def test_keeps_the_made_name_on_update() -> None:
    first, _ = check(_asked({}))
    other_seed = Asked(
        URN, "kubernetes:core/v1:ConfigMap", _asked({"data": {"a": "b"}}).inputs, first, b"x", "team"
    )
    assert check(other_seed)[0]["metadata"] == first["metadata"]


def test_makes_another_name_when_a_given_one_is_taken_away() -> None:
    old = {"metadata": {"name": "settings"}}
    assert check(_asked({}, old))[0]["metadata"]["name"] != "settings"


def test_leaves_what_the_program_says() -> None:
    inputs = _asked({"metadata": {"name": "settings", "namespace": "other"}})
    assert check(inputs) == (inputs.inputs, [])


def test_gives_no_namespace_where_there_is_none() -> None:
    assert "namespace" not in check(_asked({}, namespace=None))[0]["metadata"]


@pytest.mark.parametrize("metadata", [UNKNOWN, {"name": UNKNOWN, "namespace": UNKNOWN}])
def test_passes_what_is_not_known_yet(metadata: Any) -> None:
    assert check(_asked({"metadata": metadata, "data": UNKNOWN}))[1] == []


@pytest.mark.parametrize(
    ("kind", "name", "api_version"),
    [
        ("ConfigMap", "a.b-c", "v1"),
        ("Role", "system:controller:Tokens", "rbac.authorization.k8s.io/v1"),
        ("Service", "web-1", "v1"),
        ("StatefulSet", "a" * 63, "apps/v1"),
    ],
)
def test_takes_good_names(kind: str, name: str, api_version: str) -> None:
    assert _named(kind, name, api_version) == []


@pytest.mark.parametrize(
    ("kind", "name", "api_version"),
    [
        ("ConfigMap", "Upper", "v1"),
        ("ConfigMap", "a" * 254, "v1"),
        ("ConfigMap", "-a", "v1"),
        ("Namespace", "a.b", "v1"),
        ("Role", "a/b", "rbac.authorization.k8s.io/v1"),
        ("Service", "1-web", "v1"),
        ("CronJob", "a" * 53, "batch/v1"),
    ],
)
def test_refuses_bad_names_with_key_value_and_rule(kind: str, name: str, api_version: str) -> None:
    (problem,) = _named(kind, name, api_version)
    assert problem.property == "metadata.name"
    assert repr(name) in problem.reason
    assert "use " in problem.reason


def test_refuses_data_of_a_secret_that_is_no_base64() -> None:
    secret = _asked({"kind": "Secret", "metadata": {"name": "s"}, "data": {"good": "eA==", "bad": "plain!"}})
    assert [problem.property for problem in check(secret)[1]] == ["data.bad"]


def test_says_what_is_not_in_the_stand_in() -> None:
    patch = Asked(URN, "kubernetes:core/v1:ConfigMapPatch", _asked({}).inputs, {}, b"", "team")
    assert "Patch" in check(patch)[1][0].reason
    assert "List" in check(_asked({"kind": "ConfigMapList", "items": []}))[1][0].reason
    assert check(_asked({"metadata": {"generateName": "x-"}}))[1][0].property == "metadata.generateName"
