"""The API server's metrics, fake nodes, and what a crowd of pods took."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from infra.shared.paths import Paths
from ops.bench.spark.api_load import between, parse, quantile_bound
from ops.bench.spark.fake_nodes import SELECTOR, TAINT, command, node
from ops.bench.spark.fleet import POOLS, Crowd, copy_of, figures, size
from ops.bench.spark.pods import Life
from ops.bench.spark.pushed import BenchError
from switchboard.placement import placement
from switchboard_spark.model import SparkSize
from switchboard_spark.sizes import executor_pool

BEFORE = """\
# HELP process_cpu_seconds_total Total user and system CPU time.
process_cpu_seconds_total 10.5
apiserver_request_total{code="200",component="apiserver",verb="GET",resource="pods",scope="namespace"} 5
apiserver_request_duration_seconds_bucket{resource="pods",verb="GET",le="0.1"} 5
apiserver_request_duration_seconds_bucket{resource="pods",verb="GET",le="+Inf"} 5
"""
AFTER = """\
process_cpu_seconds_total 1.25e+01
apiserver_request_total{code="200",component="apiserver",verb="GET",resource="pods",scope="namespace"} 7
apiserver_request_total{code="200",component="apiserver",verb="GET",resource="pods",scope="resource"} 1
apiserver_request_total{code="429",component="apiserver",verb="POST",resource="pods",scope="namespace"} 97
apiserver_request_duration_seconds_bucket{resource="pods",verb="GET",le="0.1"} 100
apiserver_request_duration_seconds_bucket{resource="pods",verb="GET",le="0.5"} 104
apiserver_request_duration_seconds_bucket{resource="pods",verb="GET",le="+Inf"} 105
apiserver_request_duration_seconds_bucket{resource="pods",verb="WATCH",le="+Inf"} 900
"""


def test_load_is_what_the_counters_rose_by() -> None:
    phase = between(parse(BEFORE), parse(AFTER), seconds=4)
    assert phase.cpu_s == pytest.approx(2)
    assert phase.requests == {("GET", "pods"): 3, ("POST", "pods"): 97}
    assert (phase.total, phase.refused) == (100, 97)
    assert phase.p99_s == 0.5, "95 of 100 within 0.1 s, 99 within 0.5 s; watches do not count"
    assert phase.busiest[0] == ("POST pods", 97)


def test_without_requests_there_is_no_slowest() -> None:
    assert quantile_bound({}, 0.99) is None
    assert between(parse(BEFORE), parse(BEFORE), 1).p99_s is None


def test_a_fake_node_takes_executors_of_the_fleet_and_nothing_else() -> None:
    made, wanted = node(3), SparkSize.model_validate(size(500))
    pools = {"general": {"labels": {"switchboard.dev/pool": "general"}}, **POOLS}
    selector, tolerations = placement(executor_pool(wanted, pools), pools)
    assert selector.items() <= made["metadata"]["labels"].items()
    assert ",".join(f"{name}={value}" for name, value in selector.items()) == SELECTOR
    assert [(each.key, each.effect) for each in tolerations] == [(TAINT["key"], "NoSchedule")]
    assert made["spec"]["taints"] == [TAINT]
    assert "kubernetes.io/os" not in made["metadata"]["labels"], (
        "DaemonSets that tolerate everything ask for it"
    )
    assert placement(wanted.node_pool, pools)[0] == {"switchboard.dev/pool": "general"}, "of the driver"


def life(start: float, gone: float | None) -> Life:
    pod: dict[str, Any] = {"metadata": {"name": "x"}, "spec": {}, "status": {}}
    return Life(pod, start, placed=start + 1, running=start + 2, leaving=50 + start, gone=gone)


def test_a_crowd_is_as_fast_as_its_last() -> None:
    load = between(parse(BEFORE), parse(AFTER), seconds=4)
    crowd = Crowd("x", [life(10 + number, gone=70 + number) for number in range(4)], load)
    assert crowd.after_s("created", 0.5) == 1
    assert crowd.after_s("created") == 3
    assert crowd.after_s("running") == 5
    assert crowd.gone_s == 73 - 60
    left = Crowd("x", [life(10, gone=None), life(11, gone=80)], load)
    with pytest.raises(BenchError, match="only 1 of 2 pods were ever gone"):
        _ = left.gone_s


def test_load_is_counted_above_rest_and_by_the_pod() -> None:
    rest = between(parse(BEFORE), parse(BEFORE), seconds=4)
    load = between(parse(BEFORE), parse(AFTER), seconds=4)
    own = Crowd("x", [life(10, gone=90)] * 2, load)
    others = Crowd("y", [life(10, gone=90)] * 4, load)
    found = {figure.name: figure for figure in figures(rest, own, others)}
    cpu = found["API server, CPU an executor"]
    assert cpu.value == pytest.approx(1000)
    assert cpu.floor == pytest.approx(500)
    assert found["API server, requests an executor"].ratio == pytest.approx(2)
    assert not found["requests refused (429)"].met
    assert found["2 executors asked to go to gone"].value == 30


def test_a_copy_of_an_executor_is_nobodys_and_nowhere() -> None:
    executor = {
        "metadata": {"name": "x", "uid": "u", "ownerReferences": [{}], "labels": {"dag_id": "d"}},
        "spec": {"nodeName": "n", "hostname": "h", "containers": [{"name": "c"}]},
        "status": {"phase": "Running"},
    }
    made = copy_of(executor)
    assert made["spec"] == {"containers": [{"name": "c"}]}
    assert set(made["metadata"]) == {"generateName", "labels"}
    assert "dag_id" not in made["metadata"]["labels"]
    assert "status" not in made


@pytest.mark.parametrize("built", [True, False])
def test_a_stand_in_plays_the_nodes_only_where_kwok_is_not_to_be_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: bool
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path))
    kwok = tmp_path / "tools/bin/kwok"
    kwok.parent.mkdir(parents=True)
    if built:
        kwok.touch()
    program, *options = command(Paths.of("bench"))
    assert (program, options[:2] == ["-m", "infra.offline.kwok"]) == (
        (str(kwok), False) if built else (sys.executable, True)
    )
    assert "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake" in options
