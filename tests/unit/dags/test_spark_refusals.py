"""What a DAG author may not give a Spark task: it is found while the DAG is parsed."""

from typing import Any

import pytest

pytest.importorskip("airflow")


@pytest.mark.parametrize("application", ["count", "words.count", "words:", "a b:c", "words:count()", ":x"])
def test_what_is_no_function_is_refused_while_parsing(operator: Any, application: str) -> None:
    with pytest.raises(ValueError, match=r"not package\.module:function; name a function"):
        operator(application=application)


def test_image_and_size_are_checked_while_parsing(operator: Any) -> None:
    with pytest.raises(LookupError, match=r"not in images\.lock\.json"):
        operator(image="loudness")
    with pytest.raises(LookupError, match=r"'huge' is unknown \(the platform has: large, medium, small\)"):
        operator(size="huge")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"a": {1, 2}}, r"arguments\['a'\] is \{1, 2\}, which is no JSON"),
        ({"a": [{"b": object}]}, r"arguments\['a'\]\[0\]\['b'\] is"),
        ({"a": float("nan")}, "nan, which is no JSON"),
        ({"a": {1: 2}}, "the key 1 is not a string"),
        (["a"], "is not a dictionary; give the function's arguments by their names"),
    ],
)
def test_arguments_that_are_no_json_are_refused_while_parsing(
    operator: Any, arguments: Any, complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        operator(arguments=arguments)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("full_pod_spec", "the platform sets it"),
        ("pod_template_dict", "the platform sets it"),
        ("service_account_name", "the platform sets it"),
        ("env_vars", "give the function `arguments`"),
        ("container_resources", "choose a `size`"),
        ("pool_slots", "choose a `size`"),
        ("executor_config", "choose a `size`"),
        ("volumes", "keep data in the object store"),
        ("conf", "choose a `size`"),
        ("cmds", "name a function as `application`"),
    ],
)
def test_pod_specs_and_spark_configuration_are_refused(operator: Any, name: str, instead: str) -> None:
    with pytest.raises(TypeError, match=f"takes no '{name}': {instead}"):
        operator(**{name: 17})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("node_selector", "choose a `size`"),
        ("hostnetwork", "the platform sets it"),
        ("deferrable", "leave it"),
        ("executor_config", "choose a `size`"),
    ],
)
def test_they_do_not_come_in_through_what_a_dag_gives_all_its_tasks(
    operator: Any, name: str, instead: str
) -> None:
    from airflow.sdk import DAG, TaskGroup

    from switchboard_spark.operator import SparkTaskOperator

    common: Any = {name: 17}
    complaint = f"takes no '{name}' from `default_args`: {instead}"
    mapped = {"task_id": "m", "application": "words:count", "image": "spark-example"}
    with DAG("d", schedule=None, default_args=common):
        with pytest.raises(TypeError, match=complaint):
            operator()
        with pytest.raises(TypeError, match=complaint):
            SparkTaskOperator.partial(**mapped)
    with DAG("e", schedule=None), TaskGroup("g", default_args=common):
        with pytest.raises(TypeError, match=complaint):
            operator()
        with pytest.raises(TypeError, match=complaint):
            SparkTaskOperator.partial(**mapped)


def test_what_other_operators_take_from_a_dag_does_not_matter(operator: Any) -> None:
    from airflow.sdk import DAG

    with DAG("d", schedule=None, default_args={"retries": 7, "image": "x", "conn_id": "sql"}):
        assert operator().retries == 7


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("", "is not set: this platform offers no Spark; give the deployment `spark`.*make up"),
        ("{", "cannot be used"),
        ('{"sizes": {"small": {}}}', r"cannot be used \(sizes\.small\.executors_min"),
    ],
)
def test_a_platform_without_spark_says_so(
    operator: Any, monkeypatch: pytest.MonkeyPatch, value: str, complaint: str
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SPARK", value)
    with pytest.raises(LookupError, match=f"SWITCHBOARD_SPARK {complaint}"):
        operator()
