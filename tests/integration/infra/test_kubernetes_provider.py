"""Pulumi programs on a real API server: what the stand-in plugin does to objects and to the state."""

import json
from typing import Any

import pytest

from tests.support.control_plane import ControlPlane
from tests.support.pulumi_stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def _live(plane: ControlPlane, *words: str) -> Any:
    return json.loads(plane.kubectl("get", *words, "-o", "json"))


LIFE = """
namespace = k8s.core.v1.Namespace("life", metadata={{"name": "life"}})
place = {{"namespace": namespace.metadata.name}}
settings = k8s.core.v1.ConfigMap("settings", metadata=place, data={{"size": "{size}"}})
labels = {{"app": "{app}"}}
k8s.apps.v1.Deployment(
    "web",
    metadata={{"name": "web", "annotations": {{"pulumi.com/skipAwait": "true"}}, **place}},
    spec={{
        "replicas": {replicas},
        "selector": {{"match_labels": labels}},
        "template": {{
            "metadata": {{"labels": labels}},
            "spec": {{
                "containers": [{{
                    "name": "web",
                    "image": "nowhere/web:1",
                    "resources": {{"requests": {{"cpu": "1000m"}}}},
                    "env": [{{"name": "SETTINGS", "value": settings.metadata.name}}],
                }}],
            }},
        }},
    }},
)
pulumi.export("settings", settings.metadata.name)
"""


def test_create_no_op_change_drift_replace_destroy(stack: Stack, plane: ControlPlane) -> None:
    first = LIFE.format(size="small", app="web", replicas=1)
    assert stack.preview(first).status == 0
    assert stack.up(first).changes == {"create": 4}
    settings = stack.outputs()["settings"]
    assert stack.up(first).changes == {}
    assert stack.up(first, "--refresh").changes == {}

    grown = LIFE.format(size="small", app="web", replicas=2)
    assert stack.up(grown).changes == {"update": 1}
    assert _live(plane, "-n", "life", "deployment", "web")["spec"]["replicas"] == 2

    plane.kubectl("-n", "life", "scale", "deployment", "web", "--replicas=5")
    plane.kubectl("-n", "life", "annotate", "deployment", "web", "somebody=else")
    drifted = stack.up(grown, "--refresh")
    assert "replicas: 5 => 2" in drifted.output
    assert drifted.changes == {"update": 1}
    healed = _live(plane, "-n", "life", "deployment", "web")
    assert (healed["spec"]["replicas"], healed["metadata"]["annotations"]["somebody"]) == (2, "else")

    uid = healed["metadata"]["uid"]
    moved = stack.up(LIFE.format(size="large", app="shop", replicas=2))
    assert moved.changes == {"replace": 2}  # the selector, and the data of a ConfigMap not declared mutable
    replaced = _live(plane, "-n", "life", "deployment", "web")
    assert replaced["metadata"]["uid"] != uid
    assert stack.outputs()["settings"] != settings
    assert [it["metadata"]["name"] for it in _live(plane, "-n", "life", "configmap")["items"]
            if it["metadata"]["name"].startswith("settings")] == [stack.outputs()["settings"]]  # fmt: skip

    assert stack.destroy().changes == {"delete": 4}
    assert "life" not in plane.kubectl("get", "namespace", "-o", "name")


def test_what_was_deleted_by_hand_is_made_again(stack: Stack, plane: ControlPlane) -> None:
    program = 'k8s.core.v1.ConfigMap("lost", metadata={"name": "lost"}, data={"a": "b"})'
    stack.up(program)
    plane.kubectl("delete", "configmap", "lost")
    assert stack.up(program, "--refresh").changes == {"create": 1}
    assert _live(plane, "configmap", "lost")["data"] == {"a": "b"}
    plane.kubectl("delete", "configmap", "lost")
    assert stack.destroy().status == 0


def test_secrets_are_nowhere_in_the_state(stack: Stack, plane: ControlPlane) -> None:
    program = """
    provider = k8s.Provider("p", enable_secret_mutable=True)
    options = pulumi.ResourceOptions(provider=provider)
    k8s.core.v1.Secret(
        "plain", metadata={{"name": "plain"}}, string_data={{{content}}}, opts=options
    )
    k8s.core.v1.ConfigMap("mixed", metadata={{"name": "mixed"}},
                          data={{"open": "visible-text", "closed": pulumi.Output.secret("hidden-text")}})
    """
    done = stack.up(program.format(content='"password": "hunter2", "user": "anna"'))
    state = stack.state() + done.output
    assert "visible-text" in state
    for hidden in ("hunter2", "aHVudGVyMg", "hidden-text"):
        assert hidden not in state
    assert _live(plane, "secret", "plain")["data"] == {"password": "aHVudGVyMg==", "user": "YW5uYQ=="}

    changed = stack.up(program.format(content='"password": "hunter3"'))
    assert changed.changes == {"update": 1}
    assert "hunter3" not in changed.output + stack.state()
    assert _live(plane, "secret", "plain")["data"] == {"password": "aHVudGVyMw=="}

    plane.kubectl("patch", "secret", "plain", "-p", '{"data": {"password": "eA=="}}')
    assert stack.up(program.format(content='"password": "hunter3"'), "--refresh").changes == {"update": 1}
    assert _live(plane, "secret", "plain")["data"] == {"password": "aHVudGVyMw=="}


def test_an_existing_object_is_refused_imported_or_taken_over(stack: Stack, plane: ControlPlane) -> None:
    plane.kubectl("create", "deployment", "old", "--image=nowhere/old:1", "--replicas=0")
    program = """
    provider = k8s.Provider("p", upsert_existing_objects={upsert})
    k8s.apps.v1.Deployment("old", metadata={{"name": "old"}}, spec={{
        "replicas": 0, "selector": {{"match_labels": {{"app": "old"}}}},
        "template": {{"metadata": {{"labels": {{"app": "old"}}}},
                      "spec": {{"containers": [{{"name": "old", "image": "nowhere/old:1"}}]}}}},
    }}, opts=pulumi.ResourceOptions(provider=provider, import_={imported}))
    """
    refused = stack.try_up(program.format(upsert=False, imported=None))
    assert refused.status != 0
    assert (
        "Deployment default/old exists already: import it (ResourceOptions(import_='default/old'))"
        in refused.output
    )
    assert stack.up(program.format(upsert=False, replicas=0, imported="'default/old'")).changes == {
        "import": 1
    }
    assert stack.up(program.format(upsert=False, imported=None), "--refresh").changes == {}
    stack.destroy()
    plane.kubectl("create", "deployment", "old", "--image=nowhere/old:2", "--replicas=0")
    stack.up(program.format(upsert=True, replicas=0, imported=None))
    live = _live(plane, "deployment", "old")
    assert live["spec"]["template"]["spec"]["containers"][-1]["image"] == "nowhere/old:1"


def test_a_kind_and_its_first_object_in_one_update(stack: Stack, plane: ControlPlane) -> None:
    program = """
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"open_apiv3_schema": schema}}
    names = {"plural": "calls", "kind": "Call"}
    spec = {"group": "test.example", "scope": "Cluster", "names": names, "versions": [version]}
    kind = k8s.apiextensions.v1.CustomResourceDefinition(
        "calls", metadata={"name": "calls.test.example"}, spec=spec
    )
    k8s.apiextensions.CustomResource(
        "call", api_version="test.example/v1", kind="Call", metadata={"name": "one"}, spec={"minutes": 3},
        opts=pulumi.ResourceOptions(depends_on=[kind]),
    )
    """
    assert stack.up(program).changes == {"create": 3}
    assert _live(plane, "calls", "one")["spec"] == {"minutes": 3}
    assert stack.up(program, "--refresh").changes == {}
    assert stack.destroy().changes == {"delete": 3}


def test_mistakes_stop_before_anything_is_touched(stack: Stack, plane: ControlPlane) -> None:
    done = stack.preview("""
    k8s.core.v1.ConfigMap("fine", metadata={"name": "fine"})
    k8s.core.v1.Namespace("bad", metadata={"name": "Bad_Name"})
    """)
    assert done.status != 0
    assert "'Bad_Name' cannot name a Namespace" in done.output
    assert "fine" not in plane.kubectl("get", "configmap", "-o", "name")


def test_an_unknown_field_is_refused_by_name(stack: Stack) -> None:
    done = stack.try_up('k8s.core.v1.ConfigMap("typo", metadata={"name": "typo", "lables": {"a": "b"}})')
    assert done.status != 0
    assert ".metadata.lables: field not declared in schema" in done.output


QUOTA = """
namespace = k8s.core.v1.Namespace("full", metadata={{"name": "full"}})
place = {{"namespace": namespace.metadata.name}}
hard = {{"hard": {{"pods": "0"}}}}
quota = k8s.core.v1.ResourceQuota("none", metadata={{"name": "none", **place}}, spec=hard)
k8s.apps.v1.Deployment("web", metadata={{"name": "web", **place}}, spec={{
    "replicas": {replicas}, "selector": {{"match_labels": {{"app": "web"}}}},
    "template": {{"metadata": {{"labels": {{"app": "web"}}}},
                  "spec": {{"containers": [{{"name": "web", "image": "nowhere/web:1"}}]}}}},
}}, opts=pulumi.ResourceOptions(
    depends_on=[quota], custom_timeouts=pulumi.CustomTimeouts(create="4s", update="4s")))
"""


def test_what_does_not_get_ready_says_why_stays_in_the_state_and_is_tried_again(stack: Stack) -> None:
    failed = stack.try_up(QUOTA.format(replicas=1))
    assert failed.status != 0
    assert "Deployment full/web was not ready after 4 s: 0 of 1 replicas available" in failed.output
    assert "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0" in failed.output
    assert "Waiting for Deployment full/web" in failed.output
    assert '"initErrors"' in stack.state()
    again = stack.try_up(QUOTA.format(replicas=1))
    assert again.status != 0
    assert "exceeded quota" in again.output
    assert stack.up(QUOTA.format(replicas=0)).changes == {"update": 1}
    assert '"initErrors"' not in stack.state()


def test_a_failed_job_ends_the_wait_at_once(stack: Stack, plane: ControlPlane) -> None:
    done = stack.try_up("""
    k8s.batch.v1.Job("late", metadata={"name": "late"}, spec={
        "active_deadline_seconds": 1,
        "template": {"spec": {
            "restart_policy": "Never", "containers": [{"name": "a", "image": "nowhere/a:1"}]}},
    })
    """)
    assert done.status != 0
    assert "Job default/late failed: DeadlineExceeded" in done.output
