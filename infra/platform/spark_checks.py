"""Sizes that could never run, found before anything is touched: against the cluster's node pools, the quota
and the Airflow pool of Spark tasks. And prices of nodes that there are not.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from infra.platform.settings import SPARK_POOL, Deployment, PlatformSettings
from infra.platform.spark_settings import Spark, SparkSize
from infra.shared.outputs import NodePool

SPOT_SUFFIX: Final = "-spot"
"""Of `general`, the node pool `general-spot` has the nodes that are taken away at short notice."""

UNITS: Final = {"cpu_request_millicores": "millicores", "memory_mib": "MiB"}


def size_problems(settings: PlatformSettings, node_pools: Mapping[str, NodePool]) -> list[str]:
    """One line for each: key, numbers, remedy. Without node pools (no cluster yet) the rest is checked."""
    return [
        f"deployments.{team}.spark.sizes.{name}: {problem}"
        for team, deployment in settings.deployments.items()
        if deployment.spark
        for name, size in deployment.spark.sizes.items()
        for problem in (
            *_with_nodes(size, node_pools),
            *_with_quota(size, deployment.spark),
            *_with_largest_container(size, deployment.spark),
            *_with_airflow_pool(size, deployment, deployment.spark),
        )
    ]


def price_problems(settings: PlatformSettings, node_pools: Mapping[str, NodePool]) -> list[str]:
    """One line for each price of a node pool that there is not. Without node pools none is checked."""
    known = ", ".join(sorted(node_pools))
    return [
        f"deployments.{team}.spark.prices.node_pools.{name}: the cluster has only {known}; use one of them, "
        "or add it to the cluster's settings"
        for team, deployment in settings.deployments.items()
        if deployment.spark and node_pools
        for name in deployment.spark.prices.node_pools
        if name not in node_pools
    ]


def _asks(size: SparkSize) -> dict[str, dict[str, int]]:
    """What one driver and one executor ask for, by the names of the settings."""
    return {who: {what: getattr(size, f"{who}_{what}") for what in UNITS} for who in ("driver", "executor")}


def _executors(size: SparkSize) -> int:
    """As many as there must be: without any, no work is done."""
    return max(1, size.executors_min)


def _counted(executors: int) -> str:
    return f"{executors} executor{'' if executors == 1 else 's'}"


def _with_nodes(size: SparkSize, node_pools: Mapping[str, NodePool]) -> Iterator[str]:
    if not node_pools:
        return
    if size.node_pool not in node_pools:
        yield (
            f"node_pool is {size.node_pool!r}, the cluster has only {', '.join(sorted(node_pools))}; "
            "use one of them, or add it to the cluster's settings"
        )
        return
    places = {"driver": size.node_pool, "executor": _pool_of_executors(size, node_pools)}
    too_large = [
        f"{who}_{what} is {asked}, a node of pool {places[who]!r} has {has} {UNITS[what]}: no node could run "
        f"it; lower it to {has} or less, or choose another node_pool"
        for who, asks in _asks(size).items()
        for what, asked in asks.items()
        if asked > (has := _node(node_pools[places[who]])[what])
    ]
    place = places["executor"]
    if size.executor_gpus > (gpus := node_pools[place].gpus):
        too_large.append(
            f"executor_gpus is {size.executor_gpus}, a node of pool {place!r} has {gpus} GPUs: no node could "
            f"run it; lower it to {gpus}, or choose another node_pool"
        )
    yield from too_large
    pool, taken = node_pools[place], _asks(size)["driver"] if place == size.node_pool else {}
    room = _room_for_executors(size, pool, taken)
    if not too_large and room < _executors(size):
        yield (
            f"needs {_counted(_executors(size))} (executors_min){' beside its driver' if taken else ''}, and "
            f"pool {place!r} has room for {room} at its largest (max_nodes is {pool.max_nodes}, with "
            f"{pool.cpu_millicores} millicores and {pool.memory_mib} MiB each): no application could start; "
            "lower executors_min or what an executor asks for, or raise max_nodes"
        )


def _pool_of_executors(size: SparkSize, node_pools: Mapping[str, NodePool]) -> str:
    spot = f"{size.node_pool}{SPOT_SUFFIX}"
    return spot if size.spot and spot in node_pools else size.node_pool


def _node(pool: NodePool) -> dict[str, int]:
    """What one node has, by the names of the settings."""
    return {"cpu_request_millicores": pool.cpu_millicores, "memory_mib": pool.memory_mib}


def _room_for_executors(size: SparkSize, pool: NodePool, taken: Mapping[str, int]) -> int:
    """How many fit on the pool's nodes; `taken` is what one of them has no more."""
    asks = _asks(size)["executor"]

    def fit(taken: Mapping[str, int]) -> int:
        by_gpus = [pool.gpus // size.executor_gpus] if size.executor_gpus else []
        by_rest = [(has - taken.get(what, 0)) // asks[what] for what, has in _node(pool).items()]
        return min(by_rest + by_gpus)

    return fit(taken) + (pool.max_nodes - 1) * fit({})


def _with_quota(size: SparkSize, spark: Spark) -> Iterator[str]:
    if spark.quota is None:
        return
    asks, count = _asks(size), _executors(size)
    least = {what: asks["driver"][what] + count * asks["executor"][what] for what in UNITS} | {
        "pods": 1 + count
    }
    for what, needed in least.items():
        allowed = getattr(spark.quota, what)
        if needed > allowed:
            yield (
                f"a driver and {_counted(count)} need {needed} {UNITS.get(what, what)}, quota.{what} is "
                f"{allowed}: no application could start; raise quota.{what} to {needed} or more, or lower "
                "what the size asks for (null in place of a default size takes it away)"
            )


def _with_largest_container(size: SparkSize, spark: Spark) -> Iterator[str]:
    largest = spark.limit_range.memory_max_mib if spark.limit_range else None
    for who, asks in _asks(size).items():
        if largest and asks["memory_mib"] > largest:
            yield (
                f"{who}_memory_mib is {asks['memory_mib']}, limit_range.memory_max_mib is {largest}: the pod "
                "would be refused; lower the first or raise the second"
            )


def _with_airflow_pool(size: SparkSize, deployment: Deployment, spark: Spark) -> Iterator[str]:
    slots = spark.pool_slots(size)
    there = deployment.all_pools[SPARK_POOL].slots
    if slots > there:
        yield (
            f"takes {slots} pool slots (executors_max {size.executors_max} and the driver may ask for "
            f"{size.cpu_request_millicores} millicores, slot_millicores is {spark.slot_millicores}), and the "
            f"pool {SPARK_POOL!r}, where Spark tasks wait unless their DAG says otherwise, has {there}: none "
            f"would ever start; raise pools.{SPARK_POOL}.slots to {slots} or more, raise slot_millicores, or "
            "lower executors_max"
        )
