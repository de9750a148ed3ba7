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
from tests.e2e.calls import Calls
from tests.e2e.conftest import ENV, front_door

pytestmark = pytest.mark.e2e


def transcripts(env: Environment, output: str) -> set[str]:
    pages = env.s3.get_paginator("list_objects_v2").paginate(Bucket=env.data_bucket, Prefix=f"{output}/")
    found = (item["Key"] for page in pages for item in page.get("Contents", []))
    return {key.split("/")[-3] for key in found if key.endswith("/postprocess/transcript.json")}


def test_up_heals_a_cluster_whose_node_died(
    stack: Environment, calls: Calls, twin_runs: tuple[str, str]
) -> None:
    """The node is killed as by a power cut; the data that outlives the cluster is still there afterwards."""
    before = transcripts(stack, calls.output)
    assert before
    call(choose_engine(Paths.of(ENV)).engine, "kill", f"{load(ENV).cluster_name}-control-plane")
    front_door("up", "--no-sample")
    healed = Environment.load(ENV)
    assert transcripts(healed, calls.output) == before
    nodes = json.loads(healed.kubectl("get", "nodes", "-o", "json"))["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert ready
    assert set(ready) == {"True"}


def test_down_leaves_nothing_and_up_makes_it_again(stack: Environment, before: Snapshot) -> None:
    front_door("down")
    after = snapshot(load(ENV), choose_engine(Paths.of(ENV)).engine, Paths.of(ENV))
    assert left(before, after) == []
    assert after["containers"] == after["networks"] == after["files"] == frozenset()
    front_door("up", "--no-sample")
    with Environment.load(ENV).airflow() as airflow:
        assert "autotranscribe" in airflow.dag_ids()
