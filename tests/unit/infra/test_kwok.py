"""The stand-in for kwok: which nodes it plays, and what it does when the API server refuses."""

from __future__ import annotations

import argparse
import ipaddress
from typing import Any

import pytest
from kubernetes import client

from infra.offline.kwok import Kubelets, Selector, main

Called = list[tuple[str, ...]]


class Core:
    """The calls that were made of the API server; the first ones fail as told."""

    def __init__(self, *failures: int) -> None:
        self.called: Called = []
        self.statuses: list[Any] = []
        self.failures = list(failures)

    def patch_node_status(self, name: str, body: Any) -> None:
        self._call("node", name, body)

    def patch_namespaced_pod_status(self, name: str, namespace: str, body: Any, **_: Any) -> None:
        self._call("start", f"{namespace}/{name}", body["status"])

    def delete_namespaced_pod(self, name: str, namespace: str, body: Any, **_: Any) -> None:
        self._call("remove", f"{namespace}/{name}", body)

    def patch_namespaced_lease(self, name: str, _: str, body: Any) -> None:
        self._call("renew", name, body)

    def create_namespaced_lease(self, _: str, body: Any) -> None:
        self._call("create", body["metadata"]["name"], body)

    def _call(self, verb: str, name: str, body: Any) -> None:
        self.called.append((verb, name))
        self.statuses.append(body)
        if self.failures:
            raise client.ApiException(status=self.failures.pop(0))


def played(core: Core, *nodes: str) -> Kubelets:
    network = ipaddress.ip_network("10.0.0.0/30")
    return Kubelets(
        core, core, Selector("played", "yes"), 40, network, pause_s=0, nodes=dict.fromkeys(nodes, "u")
    )


def node(name: str, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": "u", "annotations": annotations}}


def pod(uid: str, on: str = "n", phase: str = "Pending", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": f"p-{uid}", "namespace": "here", "uid": uid, **metadata},
        "spec": {"nodeName": on, "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": phase},
    }


def after(kubelets: Kubelets, *changes: tuple[str, dict[str, Any]]) -> Called:
    for kind, thing in changes:
        kubelets.see_pod(kind, thing)
    kubelets._at_work.shutdown()
    called: Called = kubelets.core.called
    return called


@pytest.mark.parametrize("text", ["", "played", "played=", "=yes"])
def test_a_selector_that_could_take_every_node_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="annotation=value"):
        Selector.parse(text)


def test_the_command_says_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--kubeconfig=x", "--manage-nodes-with-annotation-selector=fake"])
    assert "'fake': say which nodes to play as annotation=value" in capsys.readouterr().err


def test_a_node_that_bears_the_mark_gets_ready_once_and_no_other() -> None:
    core = Core()
    kubelets = played(core)
    for each in (node("n", played="yes"), node("n", played="yes"), node("real"), node("m", played="no")):
        kubelets.see_node("ADDED", each)
    assert core.called == [("renew", "n"), ("node", "n")]
    conditions = {each["type"]: each["status"] for each in core.statuses[1]["status"]["conditions"]}
    assert conditions.pop("Ready") == "True"
    assert set(conditions.values()) == {"False"}
    kubelets.see_node("DELETED", node("n", played="yes"))
    kubelets.renew()
    assert core.called == [("renew", "n"), ("node", "n")], "nobody renews the lease of a node that is gone"


def test_a_lease_that_is_not_there_is_made() -> None:
    core = Core(404)
    played(core, "n").renew()
    assert core.called == [("renew", "n"), ("create", "n")]
    assert core.statuses[1]["spec"]["leaseDurationSeconds"] == 40
    assert core.statuses[1]["metadata"]["ownerReferences"][0]["uid"] == "u", "it goes with its node"


def test_pods_of_its_nodes_run_and_go_once_each() -> None:
    core = Core()
    called = after(
        played(core, "n"),
        ("ADDED", pod("1")),
        ("MODIFIED", pod("1")),
        ("ADDED", pod("2", on="real")),
        ("MODIFIED", pod("1", phase="Running", deletionTimestamp="now")),
        ("MODIFIED", pod("1", phase="Running", deletionTimestamp="now")),
        ("DELETED", pod("1")),
    )
    assert sorted(called) == [("remove", "here/p-1"), ("start", "here/p-1")]
    removal = next(body for body in core.statuses if "preconditions" in body)
    assert removal == {"gracePeriodSeconds": 0, "preconditions": {"uid": "1"}}


def test_addresses_are_within_the_network_for_ever() -> None:
    core = Core()
    after(played(core, "n"), *(("ADDED", pod(str(number))) for number in range(3)))
    assert {status["podIP"] for status in core.statuses} == {"10.0.0.1", "10.0.0.2"}


def test_a_refused_call_is_tried_again_and_one_that_is_pointless_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    core = Core(500, 429)
    assert after(played(core, "n"), ("ADDED", pod("1"))) == [("start", "here/p-1")] * 3
    gone = Core(404)
    assert after(played(gone, "n"), ("ADDED", pod("1"))) == [("start", "here/p-1")]
    assert "Traceback" not in caplog.text


def test_what_fails_for_good_is_logged_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    core = Core(*[500] * 5)
    kubelets = played(core)
    for name in ("n", "m"):
        kubelets.see_node("ADDED", node(name, played="yes"))
    assert "node n gets ready" in caplog.text
    assert core.called[5:] == [("renew", "m"), ("node", "m")]
