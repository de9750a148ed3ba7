"""Buckets of the local object store."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bucket:
    """A bucket and who may make it."""

    name: str
    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str


def ensure(bucket: Bucket) -> None:
    """Make the bucket unless it is there. Raises botocore's errors."""
    if not exists(bucket):
        _client(bucket, attempts=5).create_bucket(Bucket=bucket.name)


def exists(bucket: Bucket) -> bool:
    """Whether the store answers and has the bucket."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client(bucket, attempts=1).head_bucket(Bucket=bucket.name)
    except (BotoCoreError, ClientError):
        return False
    return True


def _client(bucket: Bucket, attempts: int) -> Any:
    # Here, because they take half a second to import and most runs have no need of them.
    import boto3
    from botocore.config import Config

    config = Config(
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=3,
        read_timeout=10,
    )
    return boto3.client(
        "s3",
        endpoint_url=bucket.endpoint_url,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
        config=config,
    )
