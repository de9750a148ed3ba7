"""What the platform offers Spark tasks: it tells it in one environment variable of Airflow's pods, as data.

    SWITCHBOARD_SPARK = {"sizes": {"small": {"executors_min": 1, ...}}, "event_log_uri": "s3a://...", ...}

It is written by the platform program from the settings of the deployment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from switchboard_spark.model import SparkSize

VARIABLE = "SWITCHBOARD_SPARK"

SPOT_SUFFIX = "-spot"
"""Of `general`, the pool `general-spot` has the nodes that are taken away at short notice."""


class SparkPlatformError(LookupError):
    """The platform offers no Spark, or not what a DAG asks for; shown as the DAG's import error."""


class SparkPlatform(BaseModel):
    """What the variable holds. A newer platform may say more than this commit of the DAGs understands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sizes: dict[str, SparkSize]
    event_log_uri: str = ""
    executor_priority_class: str = ""
    driver_priority_class: str = ""
    history_url: str = ""
    """The history server's own address; empty: people reach it through Airflow's."""

    def size(self, name: str) -> SparkSize:
        """The size of that name. Raises SparkPlatformError."""
        if name not in self.sizes:
            known = ", ".join(sorted(self.sizes)) or "none"
            raise SparkPlatformError(
                f"Spark size {name!r} is unknown (the platform has: {known}); choose one of them, or add it "
                "to spark.sizes in the platform's settings and run `make up`"
            )
        return self.sizes[name]

    def larger_than(self, name: str) -> str | None:
        """The next size by the memory of an executor; None for the largest."""
        own = self.size(name)
        larger = [
            (size.executor_memory_mib, size.driver_memory_mib, other)
            for other, size in self.sizes.items()
            if size.executor_memory_mib > own.executor_memory_mib
        ]
        return min(larger)[2] if larger else None


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
