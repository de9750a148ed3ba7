"""Spark's images, built where they changed, a Docker that is clean afterwards, and an S3 server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import boto3
import pytest

from ops import images
from ops.images.engine import Engine
from tests.integration.images.containers import Docker, docker
from tests.support.object_store import SERVER, object_store

KEY, SECRET = "key", "very-secret"


@dataclass(frozen=True)
class S3:
    """An S3 server with one bucket, for containers and for this process."""

    endpoint: str
    root: Path
    """Where it keeps objects: each is a file, whose time is the object's."""
    bucket: str = "data"

    @property
    def environment(self) -> dict[str, str]:
        """What `object-store` gives pods."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "SWITCHBOARD_DATA_BUCKET": self.bucket,
        }

    def put(self, key: str, text: str) -> None:
        self.client().put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def put_at(self, key: str, text: str, at: datetime) -> None:
        """As if it had been written then."""
        self.put(key, text)
        os.utime(self.root / self.bucket / key, (at.timestamp(), at.timestamp()))

    def keys(self, prefix: str, bucket: str = "data") -> list[str]:
        found = self.client().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]

    def get(self, key: str, bucket: str = "data") -> bytes:
        return bytes(self.client().get_object(Bucket=bucket, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        self.client().delete_object(Bucket=self.bucket, Key=key)

    def client(self) -> boto3.client:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )


@pytest.fixture(scope="session")
def built() -> dict[str, str]:
    """The local tag of each of Spark's images, and of what they work with, by name."""
    names = ("spark-base", "spark-example", "transcripts-daily", "postgres")
    return {image.recipe.name: image.recipe.tag for image in images.build_all(names)}


@pytest.fixture(scope="module")
def containers() -> Iterator[Docker]:
    with docker() as session:
        yield session


@pytest.fixture(scope="module")
def gateway(containers: Docker) -> str:
    """The address of this machine in the test's network."""
    containers.network.reload()
    return str(containers.network.attrs["IPAM"]["Config"][0]["Gateway"])


@pytest.fixture(scope="module")
def s3(gateway: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    if SERVER is None:
        pytest.skip("s3proxy is not there: make tools")
    with object_store(tmp_path_factory.mktemp("s3"), "data", "logs", host=gateway) as store:
        yield S3(store.endpoint, store.root)


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """A file to mount over /dev/termination-log, as a kubelet does."""
    path = tmp_path / "termination-log"
    path.touch()
    path.chmod(0o666)
    return path
