"""What the two halves of this package tell each other: Airflow's pods, which have no pyspark, and the task's
pod, which has no Airflow.

    DAG ── SWITCHBOARD_SPARK_TASK (SparkTask) ──► task's pod ── termination message (Ending) ──► DAG
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TASK_VARIABLE = "SWITCHBOARD_SPARK_TASK"
"""Where the task's pod finds its SparkTask, as JSON. Without it a session is a local one."""

DRIVER_PORT = 7078
BLOCK_MANAGER_PORT = 7079
UI_PORT = 4040
"""Where a driver listens. They are fixed, so that a NetworkPolicy can name them."""

EXIT_OK = 0
EXIT_APPLICATION = 1
EXIT_USAGE = 2
EXIT_PERMANENT = 65
EXIT_INFRASTRUCTURE = 75
"""How a task's pod ends. Airflow tries 2 and 65 never again: they would end the same way."""

MIN_MEMORY_MIB = 896
"""The least that a driver or an executor can live in: Spark refuses a heap under 450 MiB, which the serial
collector grants from -Xmx512m on, and 384 MiB are for what is not heap.
"""

RESULT_BYTES = 3500
"""The most that a result may have as JSON; Kubernetes keeps 4,096 bytes of a termination message."""


UNSCHEDULABLE_S = 300
"""How long an application waits for its first executor to find a node, unless the platform says otherwise:
time for a cluster to add one. A driver waits as long for its own.
"""


def connection_variable(name: str) -> str:
    """The driver's environment variable with the address of a connection that its task asked for."""
    return f"SWITCHBOARD_CONNECTION_{name.replace('-', '_').upper()}"


def more_memory(size: str | None, who: str, less: str) -> str:
    """The remedy where memory is used up. `size`: the one that gives `who` more, None if there is none;
    `less`: how to do with what there is.
    """
    if size:
        return f"choose size {size!r}, or {less}"
    return f"{less}; no size gives {who} more memory: add one to spark.sizes in the platform's settings"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SparkSize(_Model):
    """What a Spark application asks for. `pool_slots` is derived by the platform from the rest."""

    # A newer platform may say more of a size than this commit of the DAGs understands
    model_config = ConfigDict(frozen=True, extra="ignore")

    executors_min: int = Field(ge=0)
    executors_max: int = Field(ge=1)
    executor_cores: int = Field(ge=1)
    """Tasks that an executor runs at once."""
    executor_memory_mib: int = Field(ge=MIN_MEMORY_MIB)
    """The container's memory, requested as it is limited; the heap is derived from it."""
    executor_cpu_request_millicores: int = Field(ge=1)
    executor_gpus: int = Field(default=0, ge=0)
    """That an executor has to itself; its tasks share them."""
    driver_cpu_request_millicores: int = Field(ge=1)
    driver_memory_mib: int = Field(ge=MIN_MEMORY_MIB)
    """The container's memory, as for executors."""
    node_pool: str = "general"
    spot: bool = False
    """Whether executors may run where nodes are taken away at short notice. The driver never does."""
    pool_slots: int = Field(ge=1)

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.executors_min > self.executors_max:
            raise ValueError(
                f"executors_min {self.executors_min} is more than executors_max {self.executors_max}"
            )
        return self


class Price(_Model):
    """What is paid for what pods ask for."""

    vcpu_hour: float = Field(ge=0)
    gib_hour: float = Field(ge=0)


class Prices(_Model):
    """What a driver and its executors cost where they run."""

    currency: str
    driver: Price
    executor: Price


class Recording(_Model):
    """Where a driver records its run, as what, and at which prices (`records.RunRecord`)."""

    uri: str
    """`s3://bucket/key` of the record: one for each try."""
    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    """-1 for a task that is not mapped."""
    try_number: int
    prices: Prices


class SparkTask(_Model):
    """What a task's pod needs to know to be a driver: size and placement, resolved."""

    size_name: str
    size: SparkSize
    image: str
    """Of driver and executors, by digest."""
    namespace: str
    node_selector: dict[str, str]
    """Of executors."""
    tolerations: list[dict[str, Any]]
    """Of executors, as Kubernetes writes them (`key`, `operator`, `value`, `effect`)."""
    event_log_uri: str
    """Folder of the history server (`s3a://…`); empty: no event log."""
    executor_priority_class: str
    """Empty: the cluster's default."""
    larger_size: str | None
    """What to choose where executors have too little memory; None: no size gives a task more."""
    larger_driver_size: str | None = None
    """What to choose where the driver has too little; None: no size gives it more."""
    unschedulable_seconds: int = Field(default=UNSCHEDULABLE_S, ge=1)
    """How long there may be no executor because no node has room for one."""
    labels: dict[str, str]
    """Put on executors: whose they are (deployment, DAG, run, task)."""
    app_name: str
    recording: Recording | None = None
    """None: the run is not recorded."""


class Success(_Model):
    """What the function answered; any JSON value."""

    result: Any


class Verdict(_Model):
    """Why an application did not come to its end."""

    kind: Literal["application", "infrastructure", "usage"]
    reason: str
    remedy: str


Ending = Annotated[Success | Verdict, Field(union_mode="left_to_right")]
"""A termination message. `TypeAdapter(Ending).validate_json(text)` reads it."""
