"""The local object store as tests start it: the environment's server on a folder of the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.cluster.containers import answers
from infra.shared.paths import Paths
from tests.support.ports import free_port

SERVER = shutil.which("s3proxy", path=f"{Paths.of().tools_bin}{os.pathsep}{os.environ.get('PATH', '')}")
START_TIMEOUT_S = 60


@dataclass
class ObjectStore:
    """A server, its pair of keys and its folder; it can be killed and started again."""

    root: Path
    host: str = "127.0.0.1"
    access_key_id: str = "key"
    secret_access_key: str = "very-secret"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        keys = {"S3_ACCESS_KEY_ID": self.access_key_id, "S3_SECRET_ACCESS_KEY": self.secret_access_key}
        command = [str(SERVER), f"{self.host}:{self.port}", str(self.root)]
        with self.root.with_suffix(".log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **keys})
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(self.port, self.host):
            said = self.root.with_suffix(".log").read_text()
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def kill(self) -> None:
        """End it without a word."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def client(self, **changes: Any) -> Any:
        """A client with its keys that tries each request once; `changes` are boto3's arguments."""
        arguments: dict[str, Any] = {
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "config": Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        }
        return boto3.client("s3", **{**arguments, **changes})


@contextmanager
def object_store(root: Path, *buckets: str, host: str = "127.0.0.1") -> Iterator[ObjectStore]:
    """A server with these buckets on the folder `root`, which is there, until the end of the block."""
    store = ObjectStore(root, host)
    store.start()
    try:
        for bucket in buckets:
            store.client().create_bucket(Bucket=bucket)
        yield store
    finally:
        store.kill()
