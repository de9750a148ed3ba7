"""Objects that benchmarks leave in the object store, and take away again."""

from __future__ import annotations

from ops.environment import Environment

DELETE_AT_ONCE = 1000


def keys(environment: Environment, bucket: str, prefix: str) -> list[str]:
    """Objects below a prefix."""
    pages = environment.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def remove(environment: Environment, bucket: str, prefix: str) -> None:
    """Remove everything below a prefix."""
    there = keys(environment, bucket, prefix)
    for start in range(0, len(there), DELETE_AT_ONCE):
        objects = [{"Key": key} for key in there[start : start + DELETE_AT_ONCE]]
        environment.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
