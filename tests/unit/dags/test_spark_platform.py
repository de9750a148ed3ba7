"""What drivers make of what the platform says: sizes with more memory, how long to wait, who may scrape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.platform.spark_settings import DEFAULT_SIZES
from switchboard_spark.sizes import SparkPlatform
from tests.unit.dags.conftest import SPARK

pytest.importorskip("airflow")

from tests.unit.dags.test_spark_operator import pod, told


@pytest.fixture
def operator(lock: Path) -> Any:
    from switchboard_spark.operator import SparkTaskOperator

    return lambda: SparkTaskOperator(task_id="count", application="words:count", image="spark-example")


def platform(**sizes: dict[str, Any]) -> SparkPlatform:
    """One with the default sizes, and these beside them: what they have that `small` has not."""
    default = {name: size.model_dump() | {"pool_slots": 1} for name, size in DEFAULT_SIZES.items()}
    own = {name: default["small"] | changes for name, changes in sizes.items()}
    return SparkPlatform.model_validate({**SPARK, "sizes": {**default, **own}})


@pytest.mark.parametrize(
    ("name", "executors", "driver"),
    [("small", "medium", "large"), ("medium", None, "large"), ("large", None, None)],
)
def test_the_default_sizes_have_more_for_each_task_and_for_the_driver(
    name: str, executors: str | None, driver: str | None
) -> None:
    offered = platform()
    assert (offered.larger_executors(name), offered.larger_driver(name)) == (executors, driver)


def test_it_is_the_next_one() -> None:
    offered = platform(
        huge={"executor_memory_mib": 16_384, "driver_memory_mib": 8192},
        wide={"executor_memory_mib": 8192, "executor_cores": 4, "driver_memory_mib": 4096},
    )
    assert (offered.larger_executors("medium"), offered.larger_driver("large")) == ("wide", "wide")
    assert offered.larger_executors("wide") == "huge"


def test_tasks_that_get_more_get_no_smaller_executor() -> None:
    """One task may be larger than the others, and have its executor to itself."""
    offered = platform(narrow={"executor_memory_mib": 1800})
    assert offered.larger_executors("large") is None


def test_gpus_stay_as_they_are_and_nodes_where_that_is_possible() -> None:
    offered = platform(
        gpu={"executor_gpus": 1, "node_pool": "gpu"},
        two={"executor_gpus": 2, "node_pool": "gpu", "executor_memory_mib": 4096, "driver_memory_mib": 4096},
        elsewhere={"node_pool": "big", "executor_memory_mib": 2048, "driver_memory_mib": 2048},
        taken={"spot": True, "executor_memory_mib": 2048, "driver_memory_mib": 2048},
        here={"executor_memory_mib": 4096, "driver_memory_mib": 4096},
    )
    assert (offered.larger_executors("gpu"), offered.larger_driver("gpu")) == (None, None)
    assert (offered.larger_executors("medium"), offered.larger_driver("large")) == ("here", "here")
    assert offered.larger_executors("here") is None
    assert offered.larger_executors("elsewhere") == "here"


def test_the_driver_is_told_how_long_the_platform_waits_for_a_node(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**SPARK, "unschedulable_seconds": 45}))
    assert told(pod(operator())).unschedulable_seconds == 45


def test_prometheus_is_told_of_drivers_where_the_platform_lets_it_in(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def annotations() -> dict[str, str]:
        found: dict[str, str] = pod(operator()).metadata.annotations
        return {name: value for name, value in found.items() if "prometheus" in name}

    assert annotations() == {}
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**SPARK, "scraped": True}))
    assert annotations() == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "4040",
        "prometheus.io/path": "/metrics/prometheus/",
    }
