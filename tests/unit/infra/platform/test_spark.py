"""Spark in a deployment: what a driver may do, what bounds it, and where it is seen afterwards."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from infra.platform.context import AirflowContext, MissingEntranceError
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import config
from infra.platform.manifests.spark import DRIVER_RULES, PRIORITIES, priority_classes, spark_access
from infra.platform.manifests.spark_history import spark_history
from infra.platform.spark_settings import (
    Spark,
    SparkSize,
)
from infra.shared.outputs import NodePool, ObjectStore

TWO_CORES = NodePool(cpu_millicores=2000, memory_mib=8192, max_nodes=1)
BIG = NodePool(cpu_millicores=16_000, memory_mib=65_536, max_nodes=10)
SIZE = SparkSize(
    executors_min=2,
    executors_max=4,
    executor_cores=1,
    executor_memory_mib=1024,
    executor_cpu_request_millicores=500,
    driver_cpu_request_millicores=250,
    driver_memory_mib=1024,
)


def with_spark(context: AirflowContext, **changes: Any) -> AirflowContext:
    """The same deployment with other Spark settings."""
    assert context.settings.spark
    spark = Spark.model_validate(context.settings.spark.model_dump() | changes)
    return without_spark(context, spark)


def without_spark(context: AirflowContext, spark: Spark | None = None) -> AirflowContext:
    settings = context.settings.model_copy(update={"spark": spark})
    return AirflowContext(context.team, settings, context.cluster, context.images)


def find(objects: list[Object], kind: str, name: str = "") -> Object:
    found = [item for item in objects if item["kind"] == kind and name in item["metadata"]["name"]]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]


def to_drivers(context: AirflowContext) -> dict[int, list[Object]]:
    """Who reaches which port of a driver."""
    policy = find(spark_access(context), "NetworkPolicy", "spark-driver")
    return {way["ports"][0]["port"]: way["from"] for way in policy["spec"]["ingress"]}


def kinds(objects: list[Object]) -> list[str]:
    return [item["kind"] for item in objects]


def test_a_driver_may_do_what_spark_does_and_no_more(context: AirflowContext) -> None:
    objects = spark_access(context)
    assert dict(DRIVER_RULES) == {
        "pods": ("create", "delete", "deletecollection", "get", "list", "patch", "watch"),
        "pods/log": ("get",),
        "events": ("list",),
    }
    binding = find(objects, "RoleBinding")
    assert [subject["name"] for subject in binding["subjects"]] == ["spark-driver"]
    assert {item["metadata"]["namespace"] for item in objects} == {context.namespace}


def test_the_quota_counts_pods_of_spark_alone(context: AirflowContext) -> None:
    quota = find(spark_access(context), "ResourceQuota")["spec"]
    assert quota["hard"] == {"requests.cpu": "1600m", "requests.memory": "9728Mi", "pods": "12"}
    (scope,) = quota["scopeSelector"]["matchExpressions"]
    assert scope["scopeName"] == "PriorityClass"
    assert set(scope["values"]) == {item["metadata"]["name"] for item in priority_classes()}


def test_nothing_of_spark_ends_another_pod() -> None:
    for item in priority_classes():
        assert item["preemptionPolicy"] == "Never"
        assert item["globalDefault"] is False
        assert "namespace" not in item["metadata"]
    (driver, _), (executor, _) = PRIORITIES["spark-driver"], PRIORITIES["spark-executor"]
    assert executor < 0 < driver, "Airflow's own pods have 0: executors go before them, and drivers last"


def test_containers_that_say_nothing_get_no_cpu_limit(context: AirflowContext) -> None:
    (limits,) = find(spark_access(context), "LimitRange")["spec"]["limits"]
    assert set(limits["default"]) == {"memory"}
    assert set(limits["max"]) == {"memory"}


def test_only_airflows_api_server_reaches_a_drivers_page_and_prometheus_if_it_is_named(
    context: AirflowContext,
) -> None:
    closed, opened = to_drivers(context), to_drivers(with_spark(context, scraped_from="monitoring"))
    (api_server,) = closed[4040]
    assert api_server["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "airflow-api-server"
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert opened == {**closed, 4040: [api_server, {"namespaceSelector": namespace}]}
    told = config(with_spark(context, scraped_from="monitoring"))["data"]["SWITCHBOARD_SPARK"]
    assert json.loads(told)["scraped"] is True


def test_bounds_that_are_not_set_make_no_objects(context: AirflowContext) -> None:
    found = kinds(spark_access(with_spark(context, quota=None, limit_range=None)))
    assert not {"ResourceQuota", "LimitRange"} & set(found)


def test_a_deployment_without_spark_has_nothing_of_it(context: AirflowContext) -> None:
    none = without_spark(context)
    assert spark_access(none) == spark_history(none) == []
    assert "SWITCHBOARD_SPARK" not in config(none)["data"]


@pytest.mark.parametrize(("slot", "slots"), [(2250, 1), (2249, 2), (600, 4), (1, 2250)])
def test_pool_slots_follow_what_a_size_may_ask_for(slot: int, slots: int) -> None:
    assert Spark(slot_millicores=slot).pool_slots(SIZE) == slots


def test_the_history_server_makes_the_folder_that_it_reads(context: AirflowContext) -> None:
    (server,) = find(spark_history(context), "Deployment")["spec"]["template"]["spec"]["containers"]
    *shell, script = server["command"]
    assert shell == ["tini", "--", "sh", "-c"]
    made, served = script.index("-mkdir -p s3a://logs/spark-events/airflow-speech"), script.index("exec java")
    assert made < served
    assert "-Dspark.history.fs.logDirectory=s3a://logs/spark-events/airflow-speech" in script[served:]
    assert "-Dspark.history.fs.cleaner.maxAge=14d" in script[served:]
    assert "-Dspark.history.fs.update.interval=300s" in script[served:]


def hadoop(context: AirflowContext) -> dict[str, str]:
    text = find(spark_history(context), "ConfigMap")["data"]["core-site.xml"]
    return {item.findtext("name", ""): item.findtext("value", "") for item in ET.fromstring(text)}


def test_the_history_server_reaches_the_store_of_the_cluster(context: AirflowContext) -> None:
    told = hadoop(context)
    assert told["fs.s3a.endpoint"] == "http://object-store.invalid"
    assert told["fs.s3a.path.style.access"] == "true"
    aws = ObjectStore(region="eu-west-1", path_style=False, buckets=context.cluster.object_store.buckets)
    cluster = context.cluster.model_copy(update={"object_store": aws})
    told = hadoop(AirflowContext(context.team, context.settings, cluster, context.images))
    assert told["fs.s3a.endpoint.region"] == "eu-west-1"
    assert "fs.s3a.endpoint" not in told


def test_another_store_restarts_the_history_server(context: AirflowContext) -> None:
    store = context.cluster.object_store.model_copy(update={"endpoint_url": "http://elsewhere.invalid"})
    cluster = context.cluster.model_copy(update={"object_store": store})
    other = AirflowContext(context.team, context.settings, cluster, context.images)
    assert find(spark_history(other), "Deployment") != find(spark_history(context), "Deployment")


def test_without_an_entrance_only_airflows_api_server_reaches_the_history_server(
    context: AirflowContext,
) -> None:
    closed = with_spark(context, history_entrance=None)
    (way,) = find(spark_history(closed), "NetworkPolicy")["spec"]["ingress"]
    (source,) = way["from"]
    assert source["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "airflow-api-server"
    assert find(spark_history(closed), "Service")["spec"]["type"] == "ClusterIP"
    assert json.loads(config(closed)["data"]["SWITCHBOARD_SPARK"])["history_url"] == ""
    assert find(spark_history(context), "Service")["spec"]["ports"][0]["nodePort"] >= 30000
    with pytest.raises(MissingEntranceError, match="'elsewhere'"):
        spark_history(with_spark(context, history_entrance="elsewhere"))


def test_the_history_server_can_be_left_out(context: AirflowContext) -> None:
    assert spark_history(with_spark(context, history_server=False, history_entrance=None)) == []
