"""What a DAG author gives a Spark task, and the driver's pod that comes of it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.dags.conftest import SPARK, reference

pytest.importorskip("airflow")

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def context(task: Any, **changes: Any) -> dict[str, Any]:
    about = {"dag_id": "d", "task_id": "count", "map_index": -1, "try_number": 1, "max_tries": task.retries}
    bundle = SimpleNamespace(version=COMMIT)
    ti = SimpleNamespace(**{**about, **changes, "task": task, "bundle_instance": bundle})
    return {"ti": ti, "run_id": "manual__1", "dag": SimpleNamespace()}


def pod(task: Any, **changes: Any) -> Any:
    task.namespace = "airflow-speech"
    return task.build_pod_request_obj(context(task, **changes), dry_run=True)


def told(made: Any) -> Any:
    from switchboard_spark.model import SparkTask

    (container,) = made.spec.containers
    return SparkTask.model_validate_json(
        next(each.value for each in container.env if each.name == "SWITCHBOARD_SPARK_TASK")
    )


def test_the_driver_runs_the_function_with_its_arguments(operator: Any) -> None:
    made = pod(operator(arguments={"prefix": "s3a://b/ä", "top": 5, "deep": [{"x": None}]}))
    (container,) = made.spec.containers
    assert container.command == ["tini", "--", "python", "-m", "switchboard_spark.run"]
    assert container.args[:3] == ["--application", "words:count", "--arguments"]
    assert json.loads(container.args[3]) == {"prefix": "s3a://b/ä", "top": 5, "deep": [{"x": None}]}
    assert container.image == reference("spark-example")
    assert container.termination_message_policy == "File"


def test_the_driver_meets_the_restricted_standard_and_has_its_own_account(operator: Any) -> None:
    spec = pod(operator()).spec
    (container,) = spec.containers
    assert spec.service_account_name == "spark-driver"
    assert spec.automount_service_account_token is True
    assert spec.enable_service_links is False
    assert spec.priority_class_name == "spark-driver"
    assert spec.security_context.run_as_user == 10001
    assert container.security_context.read_only_root_filesystem
    assert [each.mount_path for each in container.volume_mounts] == ["/tmp"]
    assert spec.restart_policy == "Never"


def test_killing_leaves_executors_time_to_go(operator: Any) -> None:
    assert pod(operator()).spec.termination_grace_period_seconds <= 10


def test_the_driver_has_what_its_size_says(operator: Any) -> None:
    task = operator(size="medium")
    (container,) = pod(task).spec.containers
    assert task.pool_slots == 2
    assert container.resources.requests == {"cpu": "100m", "memory": "1024Mi"}
    assert container.resources.limits == {"memory": "1024Mi"}
    assert {each.name: each.container_port for each in container.ports} == {
        "driver": 7078,
        "block-manager": 7079,
        "ui": 4040,
    }


def test_the_driver_knows_itself_and_the_object_store(operator: Any) -> None:
    (container,) = pod(operator()).spec.containers
    fields = {each.name: each.value_from.field_ref.field_path for each in container.env if each.value_from}
    assert fields == {
        "POD_NAME": "metadata.name",
        "POD_UID": "metadata.uid",
        "POD_IP": "status.podIP",
        "POD_NAMESPACE": "metadata.namespace",
    }
    config, secret = container.env_from
    assert config.config_map_ref.name == "object-store"
    assert (secret.secret_ref.name, secret.secret_ref.optional) == ("object-store", True)


def test_the_driver_is_told_all_that_executors_need(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taint = {"key": "w", "value": "c", "effect": "NoSchedule"}
    pools = {"general": {"labels": {"p": "g"}, "taints": [taint]}, "general-spot": {"labels": {"p": "s"}}}
    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", json.dumps(pools))
    made = pod(operator())
    task = told(made)
    assert (task.size_name, task.size.executors_max) == ("small", 2)
    assert (task.larger_size, task.larger_driver_size) == ("medium", None)
    assert task.unschedulable_seconds == 300, "an older platform does not say"
    assert (task.image, task.namespace) == (reference("spark-example"), "airflow-speech")
    assert (task.event_log_uri, task.executor_priority_class) == (SPARK["event_log_uri"], "spark-executor")
    assert task.app_name == "d.count"
    assert task.labels == {
        "dag_id": "d",
        "task_id": "count",
        "run_id": "manual__1",
        "switchboard/dag-commit": COMMIT,
        "switchboard/size": "small",
    }
    assert task.node_selector == made.spec.node_selector == {"p": "g"}
    assert task.tolerations == [{"key": "w", "operator": "Equal", "value": "c", "effect": "NoSchedule"}]


def test_only_executors_go_to_spot_nodes(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {name: {**size, "spot": True} for name, size in SPARK["sizes"].items()}  # type: ignore[attr-defined]
    monkeypatch.setenv("SWITCHBOARD_SPARK", json.dumps({**SPARK, "sizes": sizes}))
    pools = {"general": {"labels": {"p": "g"}}, "general-spot": {"labels": {"p": "s"}}}
    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", json.dumps(pools))
    made = pod(operator())
    assert (made.spec.node_selector, told(made).node_selector) == ({"p": "g"}, {"p": "s"})
    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", json.dumps({"general": {"labels": {"p": "g"}}}))
    assert told(pod(operator())).node_selector == {"p": "g"}


def test_labels_say_what_the_pod_is(operator: Any) -> None:
    made = pod(operator())
    labels = made.metadata.labels
    assert labels["app.kubernetes.io/part-of"] == "switchboard"
    assert labels["app.kubernetes.io/component"] == "spark-driver"
    assert labels["kubernetes_pod_operator"] == "True"
    assert made.metadata.annotations["switchboard/dag-id"] == "d"


def test_the_name_follows_from_the_task_instance_alone(operator: Any) -> None:
    from airflow.sdk import DAG

    with DAG("A.very_long.DAG-name" * 8, schedule=None):
        task = operator()
    names = [pod(task, try_number=number).metadata.name for number in (1, 2)]
    assert names[0] == names[1]
    assert len(names[0]) <= 63
    assert pod(task, map_index=0).metadata.name != names[0]


def test_another_image_argument_or_round_is_another_request(operator: Any) -> None:
    def request(task: Any, **changes: Any) -> str:
        return str(pod(task, **changes).metadata.annotations["switchboard/request"])

    first = request(operator(arguments={"n": 1}))
    assert request(operator(arguments={"n": 1}), try_number=2) == first
    assert request(operator(arguments={"n": 2})) != first
    assert request(operator(arguments={"n": 1}, size="large")) != first
    assert request(operator(arguments={"n": 1}), max_tries=5) != first


def test_arguments_of_other_tasks_are_waited_for(operator: Any) -> None:
    from airflow.sdk import DAG

    with DAG("d", schedule=None):
        first = operator(task_id="first")
        second = operator(task_id="second", arguments={"n": [first.output]})
    assert second.upstream_task_ids == {"first"}


def test_a_mapped_task_takes_its_slots_too(operator: Any) -> None:
    from airflow.sdk import DAG

    from switchboard_spark.operator import SparkTaskOperator

    common = {"task_id": "m", "application": "words:count", "image": "spark-example", "size": "large"}
    with DAG("d", schedule=None):
        mapped = SparkTaskOperator.partial(**common).expand(arguments=[{"n": 1}, {"n": 2}])
    assert (mapped.pool, mapped.pool_slots) == ("spark", 3)
    one: Any = mapped.unmap({"arguments": {"n": 1}})
    assert (one.arguments, one.pool_slots) == ({"n": 1}, 3)
    with pytest.raises(LookupError, match="'huge' is unknown"):
        SparkTaskOperator.partial(**{**common, "size": "huge"})
    with pytest.raises(TypeError, match="takes no 'env_vars'"):
        SparkTaskOperator.partial(**common, env_vars={"A": "b"})


def test_templates_are_rendered_before_they_become_json(operator: Any) -> None:
    from airflow.sdk import DAG

    with DAG("d", schedule=None):
        task = operator(arguments={"day": "{{ day }}", "list": ["{{ day }}"]})
    task.render_template_fields({"day": "2026-01-01"})
    assert json.loads(pod(task).spec.containers[0].args[3]) == {"day": "2026-01-01", "list": ["2026-01-01"]}


def test_what_a_template_made_of_arguments_must_be_json_too(operator: Any) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    task = operator()
    task.arguments = {"at": object()}
    with pytest.raises(AirflowFailException, match="which is no JSON"):
        pod(task)


def test_links_survive_the_way_to_the_api_server(operator: Any) -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("d", schedule=None) as dag:
        operator()
    stored = DagSerialization.to_dict(dag)
    (task,) = DagSerialization.from_dict(stored).tasks
    assert {link.name: link.xcom_key for link in task.operator_extra_links} == {
        "Spark UI": "spark_ui",
        "Spark history": "spark_history",
    }
