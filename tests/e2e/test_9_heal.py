"""`make up` mends what a crash, a reboot or a half-finished command left; `make down` leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.cluster.engine import choose_engine
from infra.cluster.leftovers import Snapshot, left, snapshot
from infra.cluster.settings import load
from infra.shared.paths import Paths
from ops.environment import Environment
from tests.e2e.conftest import ENV, KEEP, front_door
from tests.support.machine import machine
from tests.support.power_cut import cut_power

pytestmark = pytest.mark.e2e

PARTS = ("control-plane", "registry", "s3")


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with machine():
        yield


def test_up_heals_what_a_power_cut_left(stack: Environment) -> None:
    """All containers are killed, and what watches them; what they held is still there afterwards."""
    stack.s3.put_object(Bucket=stack.data_bucket, Key="e2e/kept", Body=b"before the power cut")
    with stack.airflow() as airflow:
        runs = airflow.get("/dags/~/dagRuns", limit=1)["total_entries"]
    cluster = load(ENV).cluster_name
    cut_power(choose_engine(Paths.of(ENV)).engine, *(f"{cluster}-{part}" for part in PARTS))
    front_door("up", "--no-sample")
    healed = Environment.load(ENV)
    kept = healed.s3.get_object(Bucket=healed.data_bucket, Key="e2e/kept")["Body"].read()
    assert kept == b"before the power cut"
    with healed.airflow() as airflow:
        assert airflow.get("/dags/~/dagRuns", limit=1)["total_entries"] == runs
    nodes = json.loads(healed.kubectl("get", "nodes", "-o", "json"))["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert ready
    assert set(ready) == {"True"}


def test_up_after_a_down_that_keeps_data_has_it(stack: Environment) -> None:
    front_door("down", KEEP_DATA="1")
    assert not Paths.of(ENV).kubeconfig.exists()
    assert Paths.of(ENV).registry.exists(), "images that were pushed are not pushed again"
    front_door("up", "--no-sample")
    again = Environment.load(ENV)
    kept = again.s3.get_object(Bucket=again.data_bucket, Key="e2e/kept")["Body"].read()
    assert kept == b"before the power cut"
    with again.airflow() as airflow:
        assert "autotranscribe" in airflow.dag_ids()


@pytest.mark.skipif(KEEP, reason="E2E_KEEP is set")
def test_down_leaves_nothing(stack: Environment, before: Snapshot) -> None:
    engine = choose_engine(Paths.of(ENV)).engine  # asked while it is up: the answer is kept in a file
    front_door("down")
    after = snapshot(load(ENV), engine, Paths.of(ENV))
    assert left(before, after) == []
    assert after["containers"] == after["networks"] == after["files"] == frozenset()
