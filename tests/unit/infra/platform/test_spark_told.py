"""What Airflow's pods are told of Spark: sizes, places, and what runs are said to cost."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from infra.platform.context import AirflowContext
from infra.platform.manifests.airflow_config import config
from infra.platform.settings import Deployment, PlatformSettings
from infra.platform.spark_checks import price_problems
from infra.platform.spark_settings import DEFAULT_SIZES, Price, Prices, Spark, SparkSize
from infra.shared.outputs import NodePool
from switchboard_spark.model import UNSCHEDULABLE_S

NODES = NodePool(cpu_millicores=2000, memory_mib=8192, max_nodes=1)
M7I_LARGE, R7I_LARGE = (2, 8, 0.1008), (2, 16, 0.1323)
"""vCPU, GiB, USD an hour."""


@pytest.mark.parametrize(("vcpu", "gib", "usd"), [M7I_LARGE, R7I_LARGE])
def test_the_defaults_add_up_to_the_price_list(vcpu: int, gib: int, usd: float) -> None:
    price = Prices().on_demand
    assert vcpu * price.vcpu_hour + gib * price.gib_hour == pytest.approx(usd, abs=1e-9)


def test_spot_is_less_than_on_demand() -> None:
    assert Prices().spot.vcpu_hour == pytest.approx(0.4 * Prices().on_demand.vcpu_hour)
    assert Prices().spot.gib_hour == pytest.approx(0.4 * Prices().on_demand.gib_hour)


@pytest.mark.parametrize(
    ("prices", "key"),
    [
        ({"currency": "dollars"}, "currency"),
        ({"on_demand": {"vcpu_hour": -1, "gib_hour": 0}}, "on_demand.vcpu_hour"),
        ({"on_demand": {"vcpu_hour": 1}}, "on_demand.gib_hour"),
        ({"ondemand": {}}, "ondemand"),
    ],
)
def test_impossible_prices_are_refused(prices: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Spark.model_validate({"prices": prices})
    assert ".".join(str(part) for part in caught.value.errors()[0]["loc"]) == f"prices.{key}"


def test_airflows_pods_learn_sizes_and_places(context: AirflowContext) -> None:
    told = json.loads(config(context)["data"]["SWITCHBOARD_SPARK"])
    assert list(told) == [
        *("sizes", "unschedulable_seconds", "event_log_uri", "run_records_uri", "prices"),
        *("driver_priority_class", "executor_priority_class", "history_url", "scraped", "connections"),
    ]
    assert told["unschedulable_seconds"] == UNSCHEDULABLE_S
    assert told["event_log_uri"] == "s3a://logs/spark-events/airflow-speech"
    assert told["history_url"] == "http://spark.invalid"
    assert list(told["sizes"]) == ["small", "medium", "large"]
    for name, size in told["sizes"].items():
        assert size.pop("pool_slots") > 0
        assert SparkSize.model_validate(size) == DEFAULT_SIZES[name]
    assert (told["driver_priority_class"], told["executor_priority_class"]) == (
        *("spark-driver", "spark-executor"),
    )


def test_airflows_pods_learn_prices_and_where_records_go(context: AirflowContext) -> None:
    told = json.loads(config(context)["data"]["SWITCHBOARD_SPARK"])
    assert told["run_records_uri"] == "s3://logs/spark-runs/airflow-speech"
    assert Prices.model_validate(told["prices"]) == Prices()


def test_a_price_of_a_node_pool_that_there_is_not_is_refused() -> None:
    prices = Prices(node_pools={"gpu": Price(vcpu_hour=1, gib_hour=1)})
    settings = PlatformSettings(deployments={"speech": Deployment(spark=Spark(prices=prices))})
    (problem,) = price_problems(settings, {"general": NODES})
    assert problem.startswith("deployments.speech.spark.prices.node_pools.gpu: the cluster has only general;")
    assert price_problems(settings, {"general": NODES, "gpu": NODES}) == []
    assert price_problems(settings, {}) == [], "without a cluster nobody knows"
