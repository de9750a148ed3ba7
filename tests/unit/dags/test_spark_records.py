"""Where a Spark task's run is recorded, at which prices, and a task that runs in several sizes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard_spark.sizes import PriceList, SparkPlatform, record_prefix
from tests.unit.dags.conftest import SPARK

pytest.importorskip("airflow")

ON_DEMAND = {"vcpu_hour": 0.04, "gib_hour": 0.004}
SPOT = {"vcpu_hour": 0.01, "gib_hour": 0.001}
GPU = {"vcpu_hour": 0.4, "gib_hour": 0.04}
PRICES = {"currency": "USD", "on_demand": ON_DEMAND, "spot": SPOT, "node_pools": {"gpu": GPU}}
TOLD = {**SPARK, "run_records_uri": "s3://logs/spark-runs/airflow-speech", "prices": PRICES}
POOLS: dict[str, Any] = {"general": {"labels": {}}, "general-spot": {"labels": {}}, "gpu": {"labels": {}}}


@pytest.fixture(autouse=True)
def _records_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps(TOLD))
    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", json.dumps(POOLS))


@pytest.fixture
def operator(lock: Path) -> Any:
    from switchboard_spark.operator import SparkTaskOperator

    def make(**changes: Any) -> Any:
        task = SparkTaskOperator(
            **{"task_id": "count", "application": "words:count", "image": "spark-example", **changes}
        )
        task.namespace = "airflow-speech"
        return task

    return make


def pod(task: Any, run_id: str = "manual__1", **changes: Any) -> Any:
    about = {
        "dag_id": "d",
        "task_id": "group.count",
        "map_index": -1,
        "try_number": 2,
        "max_tries": task.retries,
    }
    ti = SimpleNamespace(**{**about, **changes, "task": task})
    context = {"ti": ti, "run_id": run_id, "dag": SimpleNamespace()}
    return task.build_pod_request_obj(context, dry_run=True)


def told(made: Any) -> Any:
    from switchboard_spark.model import SparkTask

    (container,) = made.spec.containers
    return SparkTask.model_validate_json(
        next(each.value for each in container.env if each.name == "SWITCHBOARD_SPARK_TASK")
    )


def test_each_try_has_a_record_of_its_own(operator: Any) -> None:
    recording = told(pod(operator())).recording
    assert recording.uri == "s3://logs/spark-runs/airflow-speech/d/group.count/manual__1-2.json"
    assert (recording.dag_id, recording.task_id, recording.run_id) == ("d", "group.count", "manual__1")
    assert (recording.map_index, recording.try_number) == (-1, 2)
    assert told(pod(operator(), map_index=3)).recording.uri.endswith("/manual__1-3-2.json")
    assert told(pod(operator(), try_number=3)).recording.uri.endswith("/manual__1-3.json")


def test_a_runs_name_that_is_no_key_becomes_one(operator: Any) -> None:
    uri = told(pod(operator(), run_id="scheduled__2026-05-01T00:00:00+00:00")).recording.uri
    assert ":" not in uri.removeprefix("s3://")
    assert "+" not in uri
    assert uri.startswith(record_prefix(TOLD["run_records_uri"], "d", "group.count"))  # type: ignore[arg-type]


def test_neither_the_try_nor_a_price_makes_another_driver(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def request(**changes: Any) -> str:
        return str(pod(operator(), **changes).metadata.annotations["switchboard/request"])

    first = request()
    assert request(try_number=3) == first
    dearer = {**PRICES, "on_demand": GPU}
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**TOLD, "prices": dearer}))
    assert request() == first


@pytest.mark.parametrize("missing", ["run_records_uri", "prices"])
def test_a_platform_that_keeps_no_records_gets_none(
    operator: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv(
        "SWITCHBOARD_SPARK", json.dumps({name: value for name, value in TOLD.items() if name != missing})
    )
    assert told(pod(operator())).recording is None


@pytest.mark.parametrize(
    ("pool", "price"), [("general", ON_DEMAND), ("general-spot", SPOT), ("gpu", GPU), ("gpu-spot", SPOT)]
)
def test_a_node_pool_has_its_own_price_or_that_of_its_kind(pool: str, price: dict[str, float]) -> None:
    assert PriceList.model_validate(PRICES).of(pool).model_dump() == price


@pytest.mark.parametrize(
    ("size", "pools", "driver", "executor"),
    [
        ({}, POOLS, ON_DEMAND, ON_DEMAND),
        ({"spot": True}, POOLS, ON_DEMAND, SPOT),
        ({"spot": True}, {"general": {}}, ON_DEMAND, ON_DEMAND),
        ({"node_pool": "gpu"}, POOLS, GPU, GPU),
    ],
)
def test_driver_and_executors_cost_what_their_nodes_do(
    size: dict[str, Any], pools: dict[str, Any], driver: dict[str, float], executor: dict[str, float]
) -> None:
    platform = SparkPlatform.model_validate(TOLD)
    prices = platform.prices_of(platform.size("small").model_copy(update=size), pools)
    assert prices is not None
    assert (prices.driver.model_dump(), prices.executor.model_dump()) == (driver, executor)


COMMON = {"task_id": "m", "application": "words:count", "image": "spark-example"}


def test_a_task_mapped_over_sizes_takes_the_slots_of_the_largest(lock: Path) -> None:
    from airflow.sdk import DAG

    from switchboard_spark.operator import SparkTaskOperator

    with DAG("d", schedule=None):
        mapped = SparkTaskOperator.partial(**COMMON, sizes=["small", "medium"]).expand(
            size=["small", "medium", "small"]
        )
    assert mapped.pool_slots == 2
    small, medium = (mapped.unmap({"size": size}) for size in ("small", "medium"))
    assert (small.size, small.pool_slots) == ("small", 2)
    assert (medium.size, medium.pool_slots) == ("medium", 2)
    with pytest.raises(TypeError, match="takes no 'pool_slots'"):
        mapped.unmap({"size": "large"})


def test_the_sizes_of_a_mapped_task_are_checked_while_parsing(lock: Path) -> None:
    from switchboard_spark.operator import SparkTaskOperator

    with pytest.raises(LookupError, match="'huge' is unknown"):
        SparkTaskOperator.partial(**COMMON, sizes=["small", "huge"])
    with pytest.raises(TypeError, match="not both"):
        SparkTaskOperator.partial(**COMMON, size="small", sizes=["small"])


@pytest.fixture
def sweep(lock: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(Path(__file__).resolve().parents[3] / "dags/speech/spark_sweep.py"))
    assert not bag.import_errors
    return bag.dags["spark_sweep"]


def test_a_sweep_is_one_mapped_task_for_each_subject_one_run_at_a_time(sweep: Any) -> None:
    subjects = sweep.params.get_param("subject").schema["enum"]
    for subject in subjects:
        task = sweep.get_task(subject)
        assert task.upstream_task_ids == {f"plan_{subject}"}
        assert (task.max_active_tis_per_dagrun, task.pool_slots) == (1, 3)
    assert {task.task_id for task in sweep.tasks} == {*subjects, *(f"plan_{name}" for name in subjects)}


@pytest.mark.parametrize(
    ("subject", "planned"), [("words", ["small", "large", "small", "large"]), ("pi", [])]
)
def test_sizes_take_turns_and_other_subjects_have_none(
    sweep: Any, monkeypatch: pytest.MonkeyPatch, subject: str, planned: list[str]
) -> None:
    plan = sweep.get_task(f"plan_{subject}").python_callable
    params = {"subject": "words", "sizes": ["small", "large"], "repetitions": 2}
    monkeypatch.setitem(plan.__globals__, "get_current_context", lambda: {"params": params})
    assert plan(subject) == planned


def test_only_sizes_of_the_platform_can_be_asked_for(sweep: Any) -> None:
    assert sweep.params.get_param("sizes").schema["items"]["enum"] == list(SPARK["sizes"])
