"""S3 as an object store: `s3://bucket/key`. Where it is and who we are comes from the environment, as boto3
reads it.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from switchboard_stage.errors import ObjectNotFoundError, StoreError, UsageError
from switchboard_stage.store import ObjectInfo

MIB = 1 << 20
TRANSFER = TransferConfig(multipart_threshold=16 * MIB, multipart_chunksize=8 * MIB, max_concurrency=2)
"""Uploads above 16 MiB go in parts of 8 MiB, two at a time: at most 16 MiB are held, whatever the object's
size.
"""
RETRIES = 5
"""Attempts of one request, with boto3's standard back-off, before the task ends and Airflow tries again."""
ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise UsageError("URI", uri, "use s3://bucket/key")
    return bucket, key


class S3Store:
    """Amazon's S3, or anything that speaks its protocol."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def from_environment(cls) -> Self:
        """Raises `UsageError` where the environment does not say which region, or the endpoint is no URL."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or None
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise UsageError(
                "AWS_ENDPOINT_URL_S3",
                endpoint,
                "give a URL like http://host:7070, or unset it for Amazon's own",
            )
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise UsageError(
                "AWS_REGION", region, "set it to the region of the bucket, for example us-east-1"
            )
        config = Config(
            retries={"mode": "standard", "total_max_attempts": RETRIES},
            # A server of one's own has no name for each bucket.
            s3={"addressing_style": "path" if endpoint else "auto"},
            connect_timeout=10,
            read_timeout=60,
        )
        return cls(boto3.Session().client("s3", endpoint_url=endpoint, region_name=region, config=config))

    def head(self, uri: str) -> ObjectInfo | None:
        """What is known of an object; None where there is none."""
        bucket, key = split_uri(uri)
        try:
            with _failures("look up", uri):
                found = self._client.head_object(Bucket=bucket, Key=key)
        except ObjectNotFoundError:
            return None
        return ObjectInfo(uri, found["ETag"].strip('"'), found["ContentLength"])

    @contextmanager
    def _stream(self, uri: str) -> Iterator[BinaryIO]:
        bucket, key = split_uri(uri)
        with _failures("read", uri), closing(self._client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield cast(BinaryIO, body)

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The object as a stream to read from."""
        return self._stream(uri)

    def get(self, uri: str) -> bytes:
        """A small object."""
        with self.open(uri) as stream:
            return stream.read()

    def put(self, uri: str, data: bytes) -> None:
        """Write a small object; whole or not at all."""
        bucket, key = split_uri(uri)
        with _failures("write", uri):
            self._client.put_object(Bucket=bucket, Key=key, Body=data)

    def upload(self, path: Path, uri: str) -> None:
        """Write an object from a file, streaming; whole or not at all."""
        bucket, key = split_uri(uri)
        with _failures("write", uri):
            self._client.upload_file(str(path), bucket, key, Config=TRANSFER)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects whose URI starts with `prefix`, in the order of their keys."""
        bucket, key = split_uri(prefix)
        with _failures("list", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                for item in page.get("Contents", []):
                    yield ObjectInfo(f"s3://{bucket}/{item['Key']}", item["ETag"].strip('"'), item["Size"])

    def delete(self, uri: str) -> None:
        """Remove an object; nothing happens where there is none."""
        bucket, key = split_uri(uri)
        with _failures("delete", uri):
            self._client.delete_object(Bucket=bucket, Key=key)


@contextmanager
def _failures(action: str, uri: str) -> Iterator[None]:
    """Words boto3's errors as ours, with the URI that they forget."""
    from boto3.exceptions import S3UploadFailedError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ABSENT:
            raise ObjectNotFoundError(uri) from error
        raise StoreError(uri, action, str(error)) from error
    except (BotoCoreError, S3UploadFailedError, HTTPError) as error:
        raise StoreError(uri, action, str(error)) from error
