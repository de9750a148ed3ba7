"""A stood-up environment, as the commands and the end-to-end tests reach it from the operator's machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.client import Config

from infra.shared.command import run
from infra.shared.outputs import ClusterOutputs
from infra.shared.paths import Paths
from infra.shared.stack import Stack
from ops.airflow_api import AirflowApi
from ops.console import make
from ops.dag_repository import DagRepository


class NotUpError(RuntimeError):
    """The environment isn't there, or only half of it is."""

    def __init__(self, env: str, missing: str) -> None:
        super().__init__(f"environment {env!r} is not up: {missing}; `{make('up', env)}` makes or heals it")


@dataclass(frozen=True)
class Environment:
    """What the two stacks export, and clients made from it."""

    name: str
    cluster: ClusterOutputs
    platform: dict[str, Any]
    """The platform stack's exports, secrets in plain text: never print it."""

    @classmethod
    def load(cls, name: str = "local") -> Environment:
        """Read both stacks' outputs.

        Raises:
            NotUpError: one of the stacks has none.
        """
        cluster = Stack("cluster", name).outputs().get("cluster")
        if not cluster:
            raise NotUpError(name, "the cluster stack has no outputs")
        platform = Stack("platform", name).outputs()
        if "airflow_url" not in platform:
            raise NotUpError(name, "the platform stack has no outputs")
        return cls(name, ClusterOutputs.model_validate(cluster), platform)

    @property
    def data_bucket(self) -> str:
        """The bucket that holds calls and transcripts."""
        return self.cluster.object_store.buckets["data"]

    @cached_property
    def s3(self) -> Any:
        """A boto3 S3 client for the environment's object store."""
        return s3_client(self.cluster)

    def airflow(self) -> AirflowApi:
        """A client of the deployment's REST API, logged in as its administrator."""
        return AirflowApi(
            self.platform["airflow_url"],
            self.platform["airflow_admin_user"],
            self.platform["airflow_admin_password"],
        )

    def dag_repository(self, folder: Path) -> DagRepository:
        """A checkout of the DAG repository, with the right to push, in `folder`."""
        return DagRepository(self.platform["git_push_url"], self.platform["git_writer_password"], folder)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = 120) -> str:
        """Run kubectl on the environment's cluster and return what it printed."""
        kubeconfig = str(Paths.of(self.name).kubeconfig)
        return run(["kubectl", "--kubeconfig", kubeconfig, *arguments], stdin=stdin, timeout_s=timeout_s)

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """The pods of a namespace, as the API server describes them."""
        answer = self.kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "json")
        items: list[dict[str, Any]] = json.loads(answer)["items"]
        return items


def s3_client(cluster: ClusterOutputs) -> Any:
    """A boto3 S3 client for the cluster's object store, as the host reaches it."""
    store = cluster.object_store
    keys: dict[str, Any] = {}
    if store.access_key_id and store.secret_access_key:
        keys = {
            "aws_access_key_id": store.access_key_id.get_secret_value(),
            "aws_secret_access_key": store.secret_access_key.get_secret_value(),
        }
    config = Config(
        s3={"addressing_style": "path" if store.path_style else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3", endpoint_url=store.host_endpoint_url, region_name=store.region, config=config, **keys
    )
