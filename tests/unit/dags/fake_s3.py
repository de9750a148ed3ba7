"""An S3 client that keeps objects in a dictionary; knows just the calls that the DAG library makes."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

PAGE = 2
"""Small, so that every test of a listing goes through several pages."""


class FakeS3:
    """Objects by bucket and key."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def add(self, *uris: str) -> None:
        """Objects with their own URI as content."""
        for uri in uris:
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            self.objects[bucket, key] = uri.encode()

    def json(self, uri: str) -> Any:
        """A JSON object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self.objects[bucket, key])

    def put_object(self, **given: Any) -> None:
        """`Bucket`, `Key`, `Body`, `ContentType` and, where none may be there yet, `IfNoneMatch`."""
        assert given["ContentType"] == "application/json"
        place = given["Bucket"], given["Key"]
        if given["Bucket"] == "forbidden":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
        if given.get("IfNoneMatch") == "*" and place in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[place] = given["Body"]

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Bucket == "forbidden":
            raise ClientError({"Error": {"Code": "403"}}, "HeadObject")
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        body = self.objects[Bucket, Key]
        return {"ETag": _etag(body), "ContentLength": len(body)}

    def get_paginator(self, name: str) -> "FakeS3":
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        items = sorted((k, v) for (b, k), v in self.objects.items() if b == Bucket and k.startswith(Prefix))
        if not items:
            yield {}
        for start in range(0, len(items), PAGE):
            page = items[start : start + PAGE]
            yield {"Contents": [{"Key": k, "ETag": _etag(v), "Size": len(v)} for k, v in page]}


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
