"""Spark in a deployment: what a driver may do, what bounds it, and which sizes are refused before `up`."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from infra.platform.context import AirflowContext, MissingEntranceError
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import config
from infra.platform.manifests.spark import DRIVER_RULES, PRIORITIES, priority_classes, spark_access
from infra.platform.manifests.spark_history import spark_history
from infra.platform.settings import Deployment, PlatformSettings, Pool, load
from infra.platform.spark_checks import size_problems
from infra.platform.spark_settings import (
    DEFAULT_SIZES,
    MIN_MEMORY_MIB,
    LimitRange,
    Spark,
    SparkQuota,
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


def test_bounds_that_are_not_set_make_no_objects(context: AirflowContext) -> None:
    found = kinds(spark_access(with_spark(context, quota=None, limit_range=None)))
    assert not {"ResourceQuota", "LimitRange"} & set(found)


def test_a_deployment_without_spark_has_nothing_of_it(context: AirflowContext) -> None:
    none = without_spark(context)
    assert spark_access(none) == spark_history(none) == []
    assert "SWITCHBOARD_SPARK" not in config(none)["data"]


def test_airflows_pods_learn_sizes_and_places(context: AirflowContext) -> None:
    told = json.loads(config(context)["data"]["SWITCHBOARD_SPARK"])
    assert list(told) == [
        *("sizes", "event_log_uri", "driver_priority_class", "executor_priority_class", "history_url"),
        "connections",
    ]
    assert told["event_log_uri"] == "s3a://logs/spark-events/airflow-speech"
    assert told["history_url"] == "http://spark.invalid"
    assert list(told["sizes"]) == ["small", "medium", "large"]
    for name, size in told["sizes"].items():
        assert size.pop("pool_slots") > 0
        assert SparkSize.model_validate(size) == DEFAULT_SIZES[name]
    assert (told["driver_priority_class"], told["executor_priority_class"]) == (
        *("spark-driver", "spark-executor"),
    )


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


def problems(size: SparkSize, pools: dict[str, NodePool], slots: int = 100, **spark: Any) -> list[str]:
    """What is wrong with one size in one deployment."""
    only = Spark(sizes={"trial": size}).model_copy(update={"sizes": {"trial": size}, **spark})
    pools_of_airflow = {"cpu": Pool(slots=slots), "spark": Pool(slots=0)}
    deployment = Deployment(pools=pools_of_airflow, spark=only)
    return size_problems(PlatformSettings(deployments={"speech": deployment}), pools)


def changed(**changes: Any) -> SparkSize:
    return SparkSize.model_validate(SIZE.model_dump() | changes)


NEVER: list[tuple[str, list[str], tuple[str, ...]]] = [
    (
        "a pool that there is not",
        problems(changed(node_pool="gpu"), {"general": BIG, "spare": BIG}),
        ("node_pool is 'gpu'", "only general, spare", "add it to the cluster's settings"),
    ),
    (
        "an executor of more cores than a node",
        problems(changed(executor_cpu_request_millicores=3000), {"general": TWO_CORES}),
        ("executor_cpu_request_millicores is 3000", "'general' has 2000 millicores", "lower it to 2000"),
    ),
    (
        "a driver of more memory than a node",
        problems(changed(driver_memory_mib=9000), {"general": TWO_CORES}),
        ("driver_memory_mib is 9000", "'general' has 8192 MiB", "another node_pool"),
    ),
    (
        "more executors than the pool has room for",
        problems(changed(executors_min=4), {"general": TWO_CORES}),
        ("needs 4 executors (executors_min)", "room for 3", "max_nodes is 1", "lower executors_min"),
    ),
    (
        "executors that only would fit without the driver",
        problems(
            changed(executors_min=1, executor_cpu_request_millicores=1800, executor_memory_mib=1000),
            {"general": TWO_CORES},
        ),
        ("needs 1 executor (executors_min) beside its driver", "room for 0"),
    ),
    (
        "too much CPU for the quota",
        problems(SIZE, {}, quota=SparkQuota(cpu_request_millicores=1249, memory_mib=9999, pods=9)),
        ("a driver and 2 executors need 1250 millicores", "quota.cpu_request_millicores is 1249", "raise"),
    ),
    (
        "too much memory for the quota",
        problems(SIZE, {}, quota=SparkQuota(cpu_request_millicores=9999, memory_mib=3071, pods=9)),
        ("need 3072 MiB", "quota.memory_mib is 3071"),
    ),
    (
        "too many pods for the quota",
        problems(SIZE, {}, quota=SparkQuota(cpu_request_millicores=9999, memory_mib=9999, pods=2)),
        ("need 3 pods", "quota.pods is 2"),
    ),
    (
        "no executor that the quota would allow, though none is a must",
        problems(
            changed(executors_min=0),
            {},
            quota=SparkQuota(cpu_request_millicores=700, memory_mib=9999, pods=9),
        ),
        ("a driver and 1 executor need 750 millicores",),
    ),
    (
        "a container over the largest",
        problems(changed(executor_memory_mib=3000), {}, limit_range=LimitRange(memory_max_mib=2048)),
        ("executor_memory_mib is 3000", "limit_range.memory_max_mib is 2048", "lower the first"),
    ),
    (
        "more slots than any Airflow pool has",
        problems(SIZE, {}, slots=3),
        ("takes 4 pool slots", "2250 millicores", "'cpu', has 3", "raise pools.cpu.slots to 4"),
    ),
]


@pytest.mark.parametrize(("found", "words"), [case[1:] for case in NEVER], ids=[case[0] for case in NEVER])
def test_a_size_that_could_never_run_is_refused(found: list[str], words: tuple[str, ...]) -> None:
    (problem,) = found
    for word in ("deployments.speech.spark.sizes.trial: ", *words):
        assert word in problem


def test_a_size_that_fits_exactly_is_taken() -> None:
    exact = SparkQuota(cpu_request_millicores=1250, memory_mib=3072, pods=3)
    assert problems(SIZE, {"general": TWO_CORES}, slots=4, quota=exact) == []
    assert problems(changed(executors_min=3), {"general": TWO_CORES}) == []


def test_executors_spread_over_the_nodes_of_a_pool() -> None:
    pool = TWO_CORES.model_copy(update={"max_nodes": 3})
    assert problems(changed(executors_min=11, executors_max=11), {"general": pool}) == []
    assert problems(changed(executors_min=12, executors_max=12), {"general": pool}) != []


def test_without_a_cluster_nodes_are_not_asked_for() -> None:
    assert problems(changed(node_pool="gpu"), {}) == []


def test_spark_tasks_have_a_pool_for_the_largest_size_unless_it_is_declared() -> None:
    assert Deployment().all_pools["spark"].slots == Spark().most_slots == 3
    declared = Deployment(pools={"spark": Pool(slots=1), "cpu": Pool(slots=2)})
    assert declared.all_pools["spark"].slots == 1
    assert "spark" not in Deployment(spark=None).all_pools
    (problem,) = size_problems(PlatformSettings(deployments={"speech": declared}), {})
    assert "sizes.large: takes 3 pool slots" in problem


def test_executors_that_may_be_taken_away_are_looked_for_on_nodes_of_that_kind() -> None:
    spot = changed(spot=True, executors_min=3)
    pools = {"general": TWO_CORES, "general-spot": TWO_CORES.model_copy(update={"cpu_millicores": 1499})}
    (problem,) = problems(spot, pools)
    assert "needs 3 executors (executors_min), and pool 'general-spot' has room for 2" in problem
    assert problems(spot, {**pools, "general-spot": BIG}) == []
    assert problems(spot, {"general": TWO_CORES}) == []


@pytest.mark.parametrize("env", ["local", "e2e"])
def test_the_sizes_of_the_committed_stacks_fit_the_smallest_machine(env: str) -> None:
    assert size_problems(load(env), {"general": TWO_CORES}) == []


def test_no_default_size_is_smaller_than_spark_takes() -> None:
    for size in DEFAULT_SIZES.values():
        assert min(size.executor_memory_mib, size.driver_memory_mib) >= MIN_MEMORY_MIB
