"""The object store, for what Spark has no call for: a listing with times, and small objects."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from transcripts_daily.places import bucket_and_key

MOST_KEYS = 1000
"""That one request may delete (DeleteObjects)."""


class Store:
    """Thin layer over a boto3 S3 client; its errors come through, since the task is tried again on them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def connect(cls) -> Store:
        """Where and as whom the environment says, as Spark does too."""
        import boto3
        from botocore.config import Config

        own_server = "AWS_ENDPOINT_URL_S3" in os.environ  # has no name for each bucket
        style = {"addressing_style": "path" if own_server else "auto"}
        config = Config(s3=style, retries={"mode": "standard", "total_max_attempts": 8})
        return cls(boto3.client("s3", config=config))

    def below(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Every object below a prefix, as ListObjectsV2 has it; one request for 1,000."""
        bucket, key = bucket_and_key(prefix)
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            yield from page.get("Contents", [])

    def put_json(self, place: str, value: Any) -> None:
        """Write a JSON object."""
        bucket, key = bucket_and_key(place)
        body = json.dumps(value, indent=1, ensure_ascii=False).encode()
        self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")

    def replace(self, place: str, new: str) -> None:
        """Make a folder hold what another folder of its bucket holds, and nothing else.

        The server copies, a request an object. Meanwhile files of both are in the folder; where it fails they
        stay there, until it is called again.
        """
        bucket, folder = bucket_and_key(place)
        before = self._files(place)
        after = {folder + key.removeprefix(bucket_and_key(new)[1]): key for key in self._files(new)}
        for key, source in after.items():
            self._client.copy({"Bucket": bucket, "Key": source}, bucket, key)
        self._delete(place, [key for key in before if key not in after])

    def remove(self, place: str) -> None:
        """Remove an object, and all below it."""
        key = bucket_and_key(place)[1]
        self._delete(place, [key, *(str(item["Key"]) for item in self.below(f"{place}/"))])

    def _files(self, place: str) -> list[str]:
        """Keys below a folder, without those that only stand for folders."""
        return [str(item["Key"]) for item in self.below(f"{place}/") if not item["Key"].endswith("/")]

    def _delete(self, place: str, keys: list[str]) -> None:
        bucket = bucket_and_key(place)[0]
        for start in range(0, len(keys), MOST_KEYS):
            some = [{"Key": each} for each in keys[start : start + MOST_KEYS]]
            answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            if errors := answer.get("Errors"):
                raise OSError(f"{len(errors)} objects below {place} were not removed, the first: {errors[0]}")
