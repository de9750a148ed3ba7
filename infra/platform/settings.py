"""What a stack file of the platform program may say. Units are in the names.

`python -m infra.platform.settings` writes the JSON schema that editors complete stack files with.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from infra.platform.resources import Resources, resources_of
from infra.platform.spark_settings import Spark
from infra.shared.model import Model
from infra.shared.settings import load_settings, schema

PROJECT = "switchboard-platform"
HERE = Path(__file__).parent
SCHEMA = HERE / "settings.schema.json"

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
MAX_TEAM_LENGTH = 40
"""A namespace is `airflow-<team>`, and names of pods in it go into labels of at most 63 characters."""

AIRFLOW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

SPARK_POOL = "spark"
"""Where Spark tasks wait unless their DAG says otherwise (dags/switchboard/defaults.py)."""

ENCRYPTED = "(encrypted)"
"""Stands for a secret that only Pulumi can read, where a stack file is checked without it."""


def _team_name(name: str) -> str:
    if not DNS_LABEL.fullmatch(name) or len(name) > MAX_TEAM_LENGTH:
        raise ValueError(
            f"no DNS label: use at most {MAX_TEAM_LENGTH} of a-z, 0-9 and '-', beginning with a letter and "
            "not ending with '-'; it becomes a namespace"
        )
    return name


def _airflow_name(name: str) -> str:
    if not AIRFLOW_NAME.fullmatch(name):
        raise ValueError("Airflow takes letters, digits, '.', '_' and '-', beginning with a letter or digit")
    return name


def _encrypted(value: Any) -> Any:
    """`secure: ...` is how a stack file holds what `pulumi config set --secret` wrote."""
    return ENCRYPTED if isinstance(value, Mapping) and set(value) == {"secure"} else value


TeamName = Annotated[str, AfterValidator(_team_name)]
AirflowName = Annotated[str, AfterValidator(_airflow_name)]
Secret = Annotated[
    SecretStr, BeforeValidator(_encrypted, json_schema_input_type=str | dict[Literal["secure"], str])
]


class AirflowResources(Model):
    """The parts of one deployment. Requests are near what they use at rest; limits leave room to start
    quickly.
    """

    api_server: Resources = resources_of(50, 2000, 450, 1024)
    scheduler: Resources = resources_of(50, 2000, 350, 1024)
    dag_processor: Resources = resources_of(50, 2000, 300, 1024)
    triggerer: Resources = resources_of(20, 1000, 350, 768)
    migration: Resources = resources_of(100, 2000, 300, 768)
    reconciler: Resources = resources_of(5, 200, 40, 96)
    git_sync: Resources = resources_of(5, 500, 32, 128)
    worker: Resources = resources_of(50, 2000, 250, 768)


class Pool(Model):
    """Slots that tasks share."""

    slots: int = Field(ge=0, le=1_000_000)
    description: str = ""
    include_deferred: bool = False
    """Whether a deferred task keeps its slot."""


class Connection(Model):
    """An Airflow connection. Set secrets with `pulumi config set --secret --path`."""

    conn_type: str = Field(min_length=1)
    description: str = ""
    host: str | None = None
    login: str | None = None
    password: Secret | None = None
    connection_schema: str | None = Field(default=None, alias="schema")
    port: int | None = Field(default=None, ge=1, le=65_535)
    extra: dict[str, Any] = Field(default_factory=dict)


class User(Model):
    """Somebody who may log in; the password is made once and kept as a Pulumi secret."""

    role: Literal["Admin", "Op", "User", "Viewer"]


class DagSync(Model):
    """How a push gets to the dag-processor."""

    branch: str = Field(default="main", min_length=1)
    period_seconds: int = Field(default=3, ge=1, le=3600)
    """A poll of an unchanged repository is one small HTTP request."""


class Postgres(Model):
    """Airflow's metadata database."""

    storage_gib: int = Field(default=5, ge=1, le=16_384)
    shared_buffers_mib: int = Field(default=64, ge=16)
    max_connections: int = Field(default=60, ge=20, le=1000)
    resources: Resources = resources_of(50, 1000, 128, 512)

    @model_validator(mode="after")
    def _buffers_fit(self) -> Self:
        if self.shared_buffers_mib * 2 > self.resources.memory_limit_mib:
            raise ValueError(
                f"shared_buffers_mib is {self.shared_buffers_mib}, over half of resources.memory_limit_mib, "
                f"which is {self.resources.memory_limit_mib}: lower the first or raise the second"
            )
        return self


class Warehouse(Postgres):
    """A database for what pipelines make, apart from Airflow's. Spark tasks reach it that name the connection
    `warehouse`, and nobody else.
    """

    storage_gib: int = Field(default=10, ge=1, le=16_384)
    max_connections: int = Field(default=20, ge=20, le=1000)
    resources: Resources = resources_of(20, 1000, 64, 512)


class Deployment(Model):
    """One team's Airflow."""

    entrance: str = "airflow"
    """Which of the cluster's entrances leads to its page."""
    pools: dict[AirflowName, Pool] = Field(default_factory=dict)
    """Spark tasks wait in `spark`; where it isn't given, it has room for one of the largest size."""
    connections: dict[AirflowName, Connection] = Field(default_factory=dict)
    users: dict[AirflowName, User] = Field(default_factory=lambda: {"admin": User(role="Admin")})
    resources: AirflowResources = AirflowResources()
    dag_sync: DagSync = DagSync()
    postgres: Postgres = Postgres()
    spark: Spark | None = Spark()
    """None: its tasks can't be Spark drivers."""
    warehouse: Warehouse | None = None
    """None: there is none; `{}` makes one."""

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if "reconciler" in self.users:
            raise ValueError("users.reconciler: the name is the platform's own; choose another")
        if "aws_default" in self.connections:
            raise ValueError("connections.aws_default: made from the cluster's object store; remove it here")
        if not any(user.role == "Admin" for user in self.users.values()):
            raise ValueError("users: nobody is Admin; give one user the role Admin")
        return self

    @model_validator(mode="after")
    def _warehouse_is_used(self) -> Self:
        if self.warehouse and self.spark is None:
            raise ValueError(
                "warehouse: only Spark tasks reach it, and spark is null: remove the first, or the second"
            )
        return self

    @property
    def all_pools(self) -> dict[str, Pool]:
        """The declared ones, and that of Spark tasks."""
        if self.spark is None or SPARK_POOL in self.pools:
            return dict(self.pools)
        spark = Pool(slots=self.spark.most_slots, description="Spark tasks: slots are a measure of cores")
        return {**self.pools, SPARK_POOL: spark}

    @property
    def admin(self) -> str:
        """The first user with the role Admin."""
        return next(name for name, user in self.users.items() if user.role == "Admin")


class GitServer(Model):
    """The DAG repository's server."""

    storage_gib: int = Field(default=2, ge=1, le=1024)
    resources: Resources = resources_of(10, 1000, 32, 256)


class PlatformSettings(Model):
    """Everything that runs on the cluster."""

    deployments: dict[TeamName, Deployment] = Field(min_length=1)
    """By team."""
    git: GitServer = GitServer()

    @property
    def has_spark(self) -> bool:
        """Whether any deployment has it."""
        return any(deployment.spark for deployment in self.deployments.values())

    @model_validator(mode="after")
    def _entrances_are_free(self) -> Self:
        taken: dict[str, str] = {}
        for key, entrance in self._entrances():
            other = taken.setdefault(entrance, key)
            if other != key:
                raise ValueError(
                    f"{key}: {entrance!r} is already that of {other.split('.')[1]!r}; "
                    "choose another of the cluster's entrances"
                )
        return self

    @property
    def entrances(self) -> list[str]:
        """All that the deployments use of the cluster's."""
        return [entrance for _, entrance in self._entrances()]

    def _entrances(self) -> Iterator[tuple[str, str]]:
        """Key and value of each setting that names one."""
        for team, deployment in self.deployments.items():
            yield f"deployments.{team}.entrance", deployment.entrance
            if deployment.spark and deployment.spark.history_entrance:
                yield f"deployments.{team}.spark.history_entrance", deployment.spark.history_entrance


def file_of(env: str) -> Path:
    """An environment's stack file."""
    return HERE / f"Pulumi.{env}.yaml"


def load(env: str) -> PlatformSettings:
    """The settings of an environment, secrets unread. Raises SettingsError."""
    return load_settings(PlatformSettings, file_of(env), PROJECT)


if __name__ == "__main__":
    SCHEMA.write_text(schema(PlatformSettings, PROJECT))
