"""A crowd of pods on nodes that are only played, by a real API server, scheduler and controllers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.shared.paths import Paths
from ops.bench.measure import NAMESPACE
from ops.bench.spark import inventory
from ops.bench.spark.fake_nodes import POOL, TAINT, fake_nodes
from ops.bench.spark.fleet import without_driver
from ops.environment import Environment
from tests.support.control_plane import BINARIES, control_plane
from tests.support.waiting import until

pytestmark = pytest.mark.integration

COUNT, NODES = 30, 3
EXECUTOR: dict[str, Any] = {
    "metadata": {"name": "exec-1", "labels": {"dag_id": "d"}},
    "spec": {
        "nodeName": "gone",
        "nodeSelector": POOL,
        "tolerations": [{**TAINT, "operator": "Equal"}],
        "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
    },
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A cluster with a scheduler and no nodes, where the commands look for it."""
    if not (BINARIES / "kube-scheduler").exists():
        pytest.skip("not built: kube-scheduler (`make tools`)")
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{BINARIES}:/usr/bin:/bin")
    monkeypatch.setattr("ops.bench.spark.fake_nodes.LOG", tmp_path / "kwok.log")
    with control_plane(tmp_path) as plane:
        paths = Paths.of("bench")
        paths.state.mkdir(parents=True)
        shutil.copy(plane.kubeconfig, paths.kubeconfig)
        scheduler = [str(BINARIES / "kube-scheduler"), f"--kubeconfig={plane.kubeconfig}"]
        plane.kubectl("create", "namespace", NAMESPACE)
        account = ("get", "serviceaccount", "default", "-n", NAMESPACE, "--ignore-not-found", "-o", "name")
        until("the namespace has an account", lambda: plane.kubectl(*account))
        with subprocess.Popen(
            [*scheduler, "--leader-elect=false", "--secure-port=0"], stderr=subprocess.DEVNULL
        ) as process:
            unused: Any = None
            yield Environment("bench", unused, {})
            process.kill()


def test_pods_run_on_nodes_that_are_not_there_and_all_of_it_goes(environment: Environment) -> None:
    before = inventory.objects(environment)
    with fake_nodes(environment, NODES):
        crowd = without_driver(environment, EXECUTOR, COUNT)
    assert len(crowd.lives) == COUNT
    assert {life.pod["spec"]["nodeName"][:11] for life in crowd.lives} == {"bench-fake-"}
    times = [crowd.after_s(what) for what in ("created", "placed", "running")]
    assert times == sorted(times)
    assert crowd.load.requests["POST", "pods"] >= 2 * COUNT, "each is made, and bound to a node"
    assert crowd.load.cpu_s > 0
    assert crowd.load.p99_s is not None
    after = inventory.objects(environment)
    assert after[("Pod", NAMESPACE)] == after[("Node", "")] == 0
    assert inventory.sums(after)["Pods of the deployment"] == inventory.sums(before)["Pods of the deployment"]


def test_a_pod_that_is_asked_to_go_is_gone_at_once(environment: Environment) -> None:
    spec = {name: value for name, value in EXECUTOR["spec"].items() if name != "nodeName"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    with fake_nodes(environment, 1):
        environment.kubectl("-n", NAMESPACE, "create", "-f", "-", stdin=json.dumps(pod))
        in_time = ("--timeout=30s",)
        environment.kubectl("-n", NAMESPACE, "wait", "pod/p", "--for=condition=Ready", *in_time)
        began = time.monotonic()
        environment.kubectl("-n", NAMESPACE, "delete", "pod/p", "--grace-period=600", *in_time)
        assert time.monotonic() - began < 30


def test_nodes_go_also_where_something_fails(environment: Environment) -> None:
    spec = {**EXECUTOR["spec"], "nodeName": "bench-fake-00"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    with pytest.raises(RuntimeError, match="in between"):
        begin_and_fail(environment, pod)
    left = ("get", "nodes,pods", "--all-namespaces", "-o", "name")
    assert environment.kubectl(*left).strip() == ""
    leases = ("get", "leases", "--namespace", "kube-node-lease", "-o", "name")
    until("the nodes' leases are gone", lambda: not environment.kubectl(*leases).strip())


def begin_and_fail(environment: Environment, pod: dict[str, Any]) -> None:
    with fake_nodes(environment, 1):
        environment.kubectl("-n", NAMESPACE, "create", "-f", "-", stdin=json.dumps(pod))
        raise RuntimeError("in between")
