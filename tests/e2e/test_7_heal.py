"""`make up` mends what a crash, a reboot or a half-finished command left; `make down` leaves nothing."""

from __future__ import annotations

import json

import pytest

from infra.cluster.engine import choose_engine
from infra.cluster.leftovers import Snapshot, left, snapshot
from infra.cluster.settings import load
from infra.shared.engine import call
from infra.shared.paths import Paths
from ops.environment import Environment
from tests.e2e.conftest import ENV, front_door

pytestmark = pytest.mark.e2e


def test_up_heals_a_cluster_whose_node_died(stack: Environment) -> None:
    """The node is killed as by a power cut; the data that outlives the cluster is still there afterwards."""
    stack.s3.put_object(Bucket=stack.data_bucket, Key="e2e/kept", Body=b"before the power cut")
    call(choose_engine(Paths.of(ENV)).engine, "kill", f"{load(ENV).cluster_name}-control-plane")
    front_door("up", "--no-sample")
    healed = Environment.load(ENV)
    kept = healed.s3.get_object(Bucket=healed.data_bucket, Key="e2e/kept")["Body"].read()
    assert kept == b"before the power cut"
    nodes = json.loads(healed.kubectl("get", "nodes", "-o", "json"))["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert ready
    assert set(ready) == {"True"}


def test_down_leaves_nothing_and_up_makes_it_again(stack: Environment, before: Snapshot) -> None:
    engine = choose_engine(Paths.of(ENV)).engine  # asked while it is up: the answer is kept in a file
    front_door("down")
    after = snapshot(load(ENV), engine, Paths.of(ENV))
    assert left(before, after) == []
    assert after["containers"] == after["networks"] == after["files"] == frozenset()
    front_door("up", "--no-sample")
    with Environment.load(ENV).airflow() as airflow:
        assert "autotranscribe" in airflow.dag_ids()
