"""The DAGs that benchmarks of Spark push, as Airflow reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops.bench.spark import fleet, slope
from ops.bench.spark.fake_nodes import POOL, TAINT
from ops.bench.spark.pushed import with_size
from ops.bench.spark.ways import dag_of, ways
from switchboard_spark.model import TASK_VARIABLE, SparkTask

pytest.importorskip("airflow")

POOLS = {"general": {"labels": {"switchboard.dev/pool": "general"}}}
WAYS = {way.dag_id: way for way in ways(3)}


@pytest.fixture
def dags(
    request: pytest.FixtureRequest, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", json.dumps(POOLS))
    path = tmp_path / "bench.py"
    path.write_text(request.param)
    bag = DagBag(str(path))
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.mark.parametrize("dags", [slope.dags(10)], indirect=True)
def test_launches_follow_one_another(dags: dict[str, Any]) -> None:
    assert set(dags) == {slope.DAG_ID, slope.FIRST_ID}
    for dag_id, launches in ((slope.DAG_ID, 10), (slope.FIRST_ID, 1)):
        (task,) = dags[dag_id].tasks
        assert task.max_active_tis_per_dagrun == 1
        assert len(task.expand_input.value["arguments"]) == launches


@pytest.mark.parametrize("dags", [with_size(fleet.size(500), fleet.DAG, fleet.POOLS)], indirect=True)
def test_the_fleets_driver_is_on_a_node_that_is_there(dags: dict[str, Any]) -> None:
    (task,) = dags[fleet.DAG_ID].tasks
    pod = task.build_pod_request_obj(dry_run=True)
    assert pod.spec.node_selector == POOLS["general"]["labels"]
    told = next(each.value for each in pod.spec.containers[0].env if each.name == TASK_VARIABLE)
    executors = SparkTask.model_validate_json(told)
    assert executors.node_selector == POOL
    assert [each["key"] for each in executors.tolerations] == [TAINT["key"]]
    assert executors.size.executors_max == 500


@pytest.mark.parametrize("dags", [dag_of(way) for way in WAYS.values()], ids=list(WAYS), indirect=True)
def test_a_way_has_the_tasks_of_autotranscribe_and_a_size_of_its_own(dags: dict[str, Any]) -> None:
    ((dag_id, dag),) = dags.items()
    assert dag.task_dict["spark"].size == "bench"
    assert {f"batch.{name}" for name in ("asr", "redaction")} <= set(dag.task_dict)
    assert dag.max_active_tasks == (1 if WAYS[dag_id].one_by_one else 128)
