"""Sizes of Spark applications: which are refused before `up`, and what they are worth in a pool."""

from typing import Any

import pytest
from pydantic import ValidationError

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
from infra.shared.outputs import NodePool
from switchboard_spark.model import SparkSize as TaskSize
from switchboard_spark.pods import cpu_limit

TWO_CORES = NodePool(cpu_millicores=2000, memory_mib=8192, max_nodes=1)
WITH_GPUS = NodePool(cpu_millicores=16_000, memory_mib=65_536, gpus=2, max_nodes=1)
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


def problems(size: SparkSize, pools: dict[str, NodePool], slots: int = 100, **spark: Any) -> list[str]:
    """What is wrong with one size in one deployment."""
    only = Spark(sizes={"trial": size}).model_copy(update={"sizes": {"trial": size}, **spark})
    pools_of_airflow = {"cpu": Pool(slots=1000), "spark": Pool(slots=slots)}
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
        problems(changed(executor_cpu_request_millicores=3000, executor_cores=2), {"general": TWO_CORES}),
        ("executor_cpu_request_millicores is 3000", "'general' has 2000 millicores", "lower it to 2000"),
    ),
    (
        "more GPUs than a node has",
        problems(changed(executor_gpus=4, node_pool="gpu"), {"general": BIG, "gpu": WITH_GPUS}),
        ("executor_gpus is 4", "'gpu' has 2 GPUs", "another node_pool"),
    ),
    (
        "more GPUs than all nodes have",
        problems(changed(executor_gpus=2, node_pool="gpu"), {"general": BIG, "gpu": WITH_GPUS}),
        ("needs 2 executors", "'gpu' has room for 1", "raise max_nodes"),
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
        "more slots than Spark's pool in Airflow has",
        problems(SIZE, {}, slots=3),
        ("takes 4 pool slots", "2250 millicores", "'spark', where", "has 3", "raise pools.spark.slots to 4"),
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
    _, problem = size_problems(PlatformSettings(deployments={"speech": declared}), {})
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


def test_what_is_asked_for_is_within_the_limit_that_executors_get() -> None:
    for cores in (1, 4):
        size = TaskSize.model_validate(SIZE.model_dump() | {"executor_cores": cores, "pool_slots": 1})
        limit = 1000 * cpu_limit(size)
        changed(executor_cores=cores, executor_cpu_request_millicores=limit)
        with pytest.raises(ValidationError, match=f"is {limit + 1}, over an executor's limit of {limit}"):
            changed(executor_cores=cores, executor_cpu_request_millicores=limit + 1)


def test_no_default_size_is_smaller_than_spark_takes() -> None:
    for size in DEFAULT_SIZES.values():
        assert min(size.executor_memory_mib, size.driver_memory_mib) >= MIN_MEMORY_MIB
