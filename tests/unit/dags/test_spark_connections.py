"""A Spark task that asks for a connection: its driver gets it, and nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.dags.conftest import SPARK

pytest.importorskip("airflow")

from tests.unit.dags.test_spark_operator import pod, told

VARIABLE = "SWITCHBOARD_CONNECTION_WAREHOUSE"


@pytest.fixture
def operator(lock: Path) -> Any:
    from switchboard_spark.operator import SparkTaskOperator

    def make(**changes: Any) -> Any:
        given = {"task_id": "count", "application": "words:count", "image": "spark-example", **changes}
        return SparkTaskOperator(**given)

    return make


def test_the_driver_gets_its_address_from_a_secret(operator: Any) -> None:
    made = pod(operator(connections=["warehouse"]))
    (container,) = made.spec.containers
    (variable,) = (each for each in container.env if each.name == VARIABLE)
    assert variable.value is None
    reference = variable.value_from.secret_key_ref
    assert (reference.name, reference.key, reference.optional) == ("connection-warehouse", "uri", None)
    assert made.metadata.labels["switchboard/connection-warehouse"] == "true"


def test_executors_get_neither_the_address_nor_the_way(operator: Any) -> None:
    from switchboard_spark.pods import executor_pod

    made = executor_pod(told(pod(operator(connections=["warehouse"]))))
    assert "connection" not in json.dumps(made)


def test_who_does_not_ask_gets_none(operator: Any) -> None:
    made = pod(operator())
    assert VARIABLE not in {each.name for each in made.spec.containers[0].env}
    assert not [label for label in made.metadata.labels if "connection" in label]


def test_another_connection_is_another_request(operator: Any) -> None:
    asked, not_asked = (
        pod(operator(connections=names)).metadata.annotations["switchboard/request"]
        for names in (["warehouse"], [])
    )
    assert asked != not_asked


def test_what_the_platform_has_not_is_refused_while_parsing(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from switchboard_spark.operator import SparkTaskOperator

    with pytest.raises(LookupError, match=r"connection 'ware' is unknown \(the platform has: warehouse\)"):
        operator(connections=["ware"])
    with pytest.raises(TypeError, match=r"connections='warehouse' is not a list of names"):
        operator(connections="warehouse")
    common = {"task_id": "m", "application": "words:count", "image": "spark-example"}
    with pytest.raises(LookupError, match="'ware' is unknown"):
        SparkTaskOperator.partial(**common, connections=["ware"])
    older = {name: value for name, value in SPARK.items() if name != "connections"}
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps(older))
    with pytest.raises(LookupError, match=r"the platform has: none\).*give the deployment `warehouse`"):
        operator(connections=["warehouse"])


def test_a_mapped_task_gets_it_too(operator: Any) -> None:
    from airflow.sdk import DAG

    from switchboard_spark.operator import SparkTaskOperator

    common = {"task_id": "m", "application": "words:count", "image": "spark-example"}
    with DAG("d", schedule=None):
        mapped = SparkTaskOperator.partial(**common, connections=["warehouse"]).expand(arguments=[{"n": 1}])
    one: Any = mapped.unmap({"arguments": {"n": 1}})
    assert one.connections == ("warehouse",)
