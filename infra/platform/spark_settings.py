"""Spark in a team's deployment: sizes of applications, and what bounds them. Units are in the names."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from infra.platform.resources import Resources, resources_of
from infra.shared.model import Model

MIN_MEMORY_MIB: Final = 896
"""The least that a container of Spark lives in: Spark refuses a heap under 450 MiB, and 384 MiB are for what
is not heap.
"""

SIZE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")

NAMESPACE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _size_name(name: str) -> str:
    if not SIZE_NAME.fullmatch(name):
        raise ValueError(
            "no name of a size: use at most 40 of a-z, 0-9 and '-', beginning with a letter and not ending "
            "with '-'; it becomes a label of pods"
        )
    return name


class SparkSize(Model):
    """What a Spark application asks for. How many pool slots that is follows from `slot_millicores`."""

    executors_min: int = Field(ge=0, le=10_000)
    """Kept from the first task to the end."""
    executors_max: int = Field(ge=1, le=10_000)
    executor_cores: int = Field(ge=1, le=128)
    """Tasks that an executor runs at once."""
    executor_memory_mib: int = Field(ge=MIN_MEMORY_MIB, le=1_048_576)
    """The container's, requested as it is limited; the heap is derived from it."""
    executor_cpu_request_millicores: int = Field(gt=0, le=128_000)
    """What is guaranteed. It may use a core for each of its tasks and one more, as the node has them left."""
    executor_gpus: int = Field(default=0, ge=0, le=16)
    """That an executor has to itself (`nvidia.com/gpu`); its tasks share them."""
    driver_cpu_request_millicores: int = Field(gt=0, le=128_000)
    driver_memory_mib: int = Field(ge=MIN_MEMORY_MIB, le=1_048_576)
    node_pool: str = "general"
    """One of the cluster's."""
    spot: bool = False
    """Whether executors may run where nodes are taken away at short notice: in the node pool
    `<node_pool>-spot`, where the cluster has it. The driver never does.
    """

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.executors_max < self.executors_min:
            raise ValueError(
                f"executors_max is {self.executors_max}, under executors_min, which is {self.executors_min}: "
                f"raise executors_max to {self.executors_min} or more"
            )
        return self

    @model_validator(mode="after")
    def _request_is_within_limit(self) -> Self:
        limit = 1000 * (self.executor_cores + 1)  # spark/switchboard_spark/pods.py
        if self.executor_cpu_request_millicores > limit:
            raise ValueError(
                f"executor_cpu_request_millicores is {self.executor_cpu_request_millicores}, over an "
                f"executor's limit of {limit}, which is 1000 * (executor_cores + 1): Kubernetes takes no "
                f"such pod; lower the first to {limit} or less, or raise executor_cores"
            )
        return self

    @property
    def cpu_request_millicores(self) -> int:
        """What the driver and all executors ask for at most."""
        return self.driver_cpu_request_millicores + self.executors_max * self.executor_cpu_request_millicores


DEFAULT_SIZES: Final[dict[str, SparkSize]] = {
    "small": SparkSize(
        executors_min=1,
        executors_max=2,
        executor_cores=1,
        executor_memory_mib=1024,
        executor_cpu_request_millicores=200,
        driver_cpu_request_millicores=100,
        driver_memory_mib=1024,
    ),
    "medium": SparkSize(
        executors_min=1,
        executors_max=3,
        executor_cores=1,
        executor_memory_mib=1536,
        executor_cpu_request_millicores=300,
        driver_cpu_request_millicores=150,
        driver_memory_mib=1024,
    ),
    "large": SparkSize(
        executors_min=1,
        executors_max=4,
        executor_cores=2,
        executor_memory_mib=2048,
        executor_cpu_request_millicores=350,
        driver_cpu_request_millicores=200,
        driver_memory_mib=1536,
    ),
}
"""For the local cluster of two cores and 8 GiB: requests are a fraction of what runs, so that Airflow and two
small applications fit beside each other. On nodes of its own an executor asks for as many cores as it uses
(`executor_cpu_request_millicores` = 1000 times `executor_cores`): give such a cluster sizes of its own.
"""


def _namespace_name(name: str) -> str:
    if not NAMESPACE_NAME.fullmatch(name):
        raise ValueError(
            "no name of a namespace: use at most 63 of a-z, 0-9 and '-', beginning and ending with a letter "
            "or a digit"
        )
    return name


def _with_defaults(value: Any) -> Any:
    """Own sizes beside the default ones; null takes one away."""
    if not isinstance(value, Mapping):
        return value
    return {name: size for name, size in {**DEFAULT_SIZES, **value}.items() if size is not None}


NamespaceName = Annotated[str, AfterValidator(_namespace_name)]
SizeName = Annotated[str, AfterValidator(_size_name)]
Sizes = Annotated[
    dict[SizeName, SparkSize],
    BeforeValidator(_with_defaults, json_schema_input_type=dict[SizeName, SparkSize | None]),
]


class SparkQuota(Model):
    """What all drivers and executors of a deployment may ask for together. Other pods are not counted."""

    cpu_request_millicores: int = Field(gt=0)
    memory_mib: int = Field(gt=0)
    pods: int = Field(gt=0)


class LimitRange(Model):
    """For containers of the namespace that say nothing: those of the platform all do.

    There is no limit on CPU in it, since drivers have none and would get it.
    """

    cpu_request_millicores: int = Field(default=50, gt=0)
    memory_request_mib: int = Field(default=256, gt=0)
    memory_limit_mib: int = Field(default=1024, gt=0)
    memory_max_mib: int | None = Field(default=None, gt=0)
    """The most that one container may ask for."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        order = ["memory_request_mib", "memory_limit_mib", "memory_max_mib"]
        known = [(name, getattr(self, name)) for name in order if getattr(self, name) is not None]
        for (less, low), (more, high) in pairwise(known):
            if low > high:
                raise ValueError(
                    f"{more} is {high}, under {less}, which is {low}: raise the first or lower the second"
                )
        return self


class Price(Model):
    """What is paid for what pods ask for. Nodes that stand idle are not in it."""

    vcpu_hour: float = Field(ge=0)
    gib_hour: float = Field(ge=0)


class Prices(Model):
    """What runs of Spark tasks are said to cost.

    The defaults follow from two on-demand prices of Amazon EC2 (AWS Price List, Linux, us-east-1,
    2026-01-19): m7i.large, 2 vCPU and 8 GiB, 0.1008 USD an hour; r7i.large, 2 vCPU and 16 GiB, 0.1323 USD
    an hour. The 8 GiB between them give the price of a GiB, the rest that of a vCPU. Spot has no list price:
    40 % of on-demand is an assumption, to be replaced by what is paid.
    """

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    on_demand: Price = Price(vcpu_hour=0.03465, gib_hour=0.0039375)
    spot: Price = Price(vcpu_hour=0.01386, gib_hour=0.001575)
    """Of the node pools whose name ends in `-spot`."""
    node_pools: dict[str, Price] = Field(default_factory=dict)
    """Of single node pools of the cluster, in place of those two: of nodes with GPUs, say."""


class Spark(Model):
    """Whether and how a deployment's tasks can be Spark drivers."""

    sizes: Sizes = DEFAULT_SIZES
    """By name; the default ones stay unless the same name is given, or null."""
    slot_millicores: int = Field(default=600, gt=0, le=128_000)
    """CPU requests that one slot of an Airflow pool stands for: a size takes as many as it may ask for."""
    unschedulable_seconds: int = Field(default=300, ge=1, le=86_400)
    """How long an application waits for its first executor to find a node, before it ends to be tried again:
    time for the cluster to add one.
    """
    quota: SparkQuota | None = None
    limit_range: LimitRange | None = LimitRange()
    history_server: bool = True
    history_server_resources: Resources = resources_of(20, 1000, 400, 768)
    """Half of its memory limit is heap."""
    history_entrance: str | None = None
    """Which of the cluster's entrances leads straight to the history server, which asks nobody who they are.
    None: only Airflow's API server reaches it.
    """
    event_log_days: int = Field(default=14, ge=1, le=3650)
    """After which the history server removes an application's event log."""
    history_scan_seconds: int = Field(default=300, ge=10, le=86_400)
    """How long the history server rests between two looks at the event logs. A look lists every application's
    log, one request to the store after the other, since each is a folder. Only its list of applications is
    behind by that: a page that is asked for by its address is read at once.
    """
    scraped_from: NamespaceName | None = None
    """The namespace of a Prometheus that reads the metrics of drivers and executors. It reaches all of a
    driver's page, which asks nobody who they are. None: only Airflow's API server does.
    """
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _history_has_a_server(self) -> Self:
        if self.history_entrance and not self.history_server:
            raise ValueError(
                f"history_entrance is {self.history_entrance!r}, but history_server is false: "
                "remove the first, or set the second to true"
            )
        return self

    @property
    def most_slots(self) -> int:
        """What an application of the largest size takes."""
        return max((self.pool_slots(size) for size in self.sizes.values()), default=1)

    def pool_slots(self, size: SparkSize) -> int:
        """Slots that an application of this size takes of its Airflow pool."""
        return -(-size.cpu_request_millicores // self.slot_millicores)
