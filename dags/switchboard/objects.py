"""The data bucket as Airflow tasks see it: URIs, listing, and small JSON objects."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from switchboard.calls import Recording

CONNECTION = "aws_default"
BUCKET_VARIABLE = "SWITCHBOARD_DATA_BUCKET"
PARALLEL = 16
"""Requests at once where there is one request an object."""


class UriError(ValueError):
    """Something that should name an object or a prefix does not."""

    def __init__(self, what: str, value: str, remedy: str) -> None:
        super().__init__(f"{what} = {value!r}: {remedy}")


def data_bucket(environment: Mapping[str, str] = os.environ) -> str:
    """The deployment's data bucket. Raises UriError where the platform did not name it."""
    bucket = environment.get(BUCKET_VARIABLE, "")
    if not bucket:
        raise UriError(
            BUCKET_VARIABLE, "", "the platform sets it from the ConfigMap `object-store`; run `make up` again"
        )
    return bucket


def s3_uri(what: str, value: str, bucket: str) -> str:
    """A full `s3://` URI: `value` itself, or a key in `bucket`. `what` names the param in errors. Raises
    UriError.
    """
    text = value.strip()
    if "://" not in text:
        text = f"s3://{bucket}/{text.lstrip('/')}"
    scheme, _, rest = text.partition("://")
    name, _, _ = rest.partition("/")
    if scheme != "s3" or not name:
        raise UriError(what, value, f"give s3://<bucket>/<key>, or a key in {bucket}")
    return text


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Objects:
    """Thin layer over a boto3 S3 client; errors of boto3 come through, since the task is tried again on
    them.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def connect(cls) -> Objects:
        """Over Airflow's connection, which names endpoint and keys or leaves both to the pod's cloud
        identity.
        """
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # 1 s to import: not while DAGs are parsed

        return cls(S3Hook(CONNECTION).get_conn())

    def below(self, prefix: str) -> Iterator[Recording]:
        """Every object whose URI starts with `prefix`."""
        bucket, key = split(prefix)
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            for item in page.get("Contents", []):
                yield Recording(f"s3://{bucket}/{item['Key']}", item["ETag"].strip('"'), int(item["Size"]))

    def look_up(self, uris: Sequence[str]) -> tuple[list[Recording], list[str]]:
        """Of objects named one by one: those that exist, and the URIs of those that do not."""
        with ThreadPoolExecutor(PARALLEL) as workers:
            heads = list(workers.map(self._head, uris))
        return [each for each in heads if each], [
            uri for uri, each in zip(uris, heads, strict=True) if not each
        ]

    def put_json(self, uri: str, value: Any) -> None:
        """Write a small JSON object."""
        self._client.put_object(**_json_object(uri, value))

    def add_json(self, uri: str, value: Any) -> bool:
        """Write a small JSON object where there is none; gives whether it did."""
        from botocore.exceptions import ClientError

        try:
            self._client.put_object(**_json_object(uri, value), IfNoneMatch="*")
        except ClientError as error:
            if _code(error) in {"PreconditionFailed", "ConditionalRequestConflict"}:
                return False
            raise
        return True

    def _head(self, uri: str) -> Recording | None:
        from botocore.exceptions import ClientError

        bucket, key = split(uri)
        try:
            answer = self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if _code(error) in {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}:
                return None
            raise
        return Recording(uri, answer["ETag"].strip('"'), int(answer["ContentLength"]))


def _json_object(uri: str, value: Any) -> dict[str, Any]:
    """What boto3 is to be given to write it."""
    bucket, key = split(uri)
    body = json.dumps(value, indent=1, ensure_ascii=False).encode()
    return {"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"}


def _code(error: Any) -> str:
    """S3's word for what is wrong."""
    return str(error.response.get("Error", {}).get("Code"))
