"""What the platform offers Spark tasks: it tells it in one environment variable of Airflow's pods, as data.

    SWITCHBOARD_SPARK = {"sizes": {"small": {"executors_min": 1, ...}}, "event_log_uri": "s3a://...", ...}

It is written by the platform program from the settings of the deployment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from switchboard.names import run_slug
from switchboard_spark.model import UNSCHEDULABLE_S, Price, Prices, SparkSize

VARIABLE = "SWITCHBOARD_SPARK"

SPOT_SUFFIX = "-spot"
"""Of `general`, the pool `general-spot` has the nodes that are taken away at short notice."""


class SparkPlatformError(LookupError):
    """The platform offers no Spark, or not what a DAG asks for; shown as the DAG's import error."""


class PriceList(BaseModel):
    """What the platform's nodes cost, by kind; a node pool may have prices of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str
    on_demand: Price
    spot: Price
    node_pools: dict[str, Price] = {}

    def of(self, pool: str) -> Price:
        """The price in a node pool."""
        usual = self.spot if pool.endswith(SPOT_SUFFIX) else self.on_demand
        return self.node_pools.get(pool, usual)


class SparkPlatform(BaseModel):
    """What the variable holds. A newer platform may say more than this commit of the DAGs understands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sizes: dict[str, SparkSize]
    event_log_uri: str = ""
    executor_priority_class: str = ""
    driver_priority_class: str = ""
    unschedulable_seconds: int = UNSCHEDULABLE_S
    scraped: bool = False
    """Whether somebody reads drivers' metrics."""
    run_records_uri: str = ""
    """Folder of the records of runs (`s3://…`); empty: none are kept."""
    prices: PriceList | None = None
    history_url: str = ""
    """The history server's own address; empty: people reach it through Airflow's."""
    connections: tuple[str, ...] = ()
    """Systems whose address and credentials a task's driver gets, where the task asks for them."""

    def size(self, name: str) -> SparkSize:
        """The size of that name. Raises SparkPlatformError."""
        if name not in self.sizes:
            known = ", ".join(sorted(self.sizes)) or "none"
            raise SparkPlatformError(
                f"Spark size {name!r} is unknown (the platform has: {known}); choose one of them, or add it "
                "to spark.sizes in the platform's settings and run `make up`"
            )
        return self.sizes[name]

    @property
    def slots(self) -> set[int]:
        """The numbers of pool slots that there are sizes of."""
        return {size.pool_slots for size in self.sizes.values()}

    def prices_of(self, size: SparkSize, pools: Mapping[str, Any]) -> Prices | None:
        """What a driver and executors of a size cost, given the cluster's node pools; None: nobody said."""
        if self.prices is None:
            return None
        return Prices(
            currency=self.prices.currency,
            driver=self.prices.of(size.node_pool),
            executor=self.prices.of(executor_pool(size, pools)),
        )

    def check_connections(self, names: Sequence[str]) -> None:
        """Raises SparkPlatformError for one that the platform does not offer, TypeError for no list."""
        if isinstance(names, str):
            raise TypeError(f"connections={names!r} is not a list of names; give [{names!r}]")
        for name in names:
            if name not in self.connections:
                known = ", ".join(sorted(self.connections)) or "none"
                raise SparkPlatformError(
                    f"connection {name!r} is unknown (the platform has: {known}); choose one of them, or "
                    f"give the deployment `{name}` in the platform's settings and run `make up`"
                )

    def larger_executors(self, name: str) -> str | None:
        """The next size by what an executor's memory is for each of the tasks that share it; None: no size
        has more. It never has less in all, for one task that is larger than the others.
        """
        own = self.size(name)
        return self._next(own, own.executor_memory_mib, _task_memory)

    def larger_driver(self, name: str) -> str | None:
        """The next size by the memory of the driver; None: no size has more."""
        return self._next(self.size(name), 0, lambda size: size.driver_memory_mib)

    def _next(self, own: SparkSize, at_least_mib: int, memory: Callable[[SparkSize], float]) -> str | None:
        """With the same GPUs, and on the same nodes rather than on others."""
        larger = [
            (size.node_pool != own.node_pool, size.spot != own.spot, memory(size), other)
            for other, size in self.sizes.items()
            if memory(size) > memory(own)
            and size.executor_memory_mib >= at_least_mib
            and size.executor_gpus == own.executor_gpus
        ]
        return min(larger)[-1] if larger else None


def spark_offered(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the platform offers Spark at all, for DAGs that have another way too."""
    return bool(environment.get(VARIABLE, "").strip())


def read_platform(environment: Mapping[str, str] = os.environ) -> SparkPlatform:
    """What the platform offers. Raises SparkPlatformError where it offers nothing, or nothing readable."""
    text = environment.get(VARIABLE, "").strip()
    if not text:
        raise SparkPlatformError(
            f"{VARIABLE} is not set: this platform offers no Spark; give the deployment `spark` in the "
            "platform's settings and run `make up`"
        )
    try:
        return SparkPlatform.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise SparkPlatformError(
            f"{VARIABLE} cannot be used ({where}: {first['msg']}); the platform program writes it: run "
            "`make up`, and check that platform and DAGs come from the same version"
        ) from None


def executor_pool(size: SparkSize, pools: Mapping[str, Any]) -> str:
    """The node pool of a size's executors: its spot nodes where it may use them and the platform has some.

    The driver stays on the size's own pool: with it, the whole application would be lost.
    """
    spot = f"{size.node_pool}{SPOT_SUFFIX}"
    return spot if size.spot and spot in pools else size.node_pool


def _task_memory(size: SparkSize) -> float:
    return size.executor_memory_mib / size.executor_cores


def record_prefix(folder: str, dag_id: str, task_id: str) -> str:
    """Where the records of a task lie."""
    return f"{folder.rstrip('/')}/{run_slug(dag_id)}/{run_slug(task_id)}/"
