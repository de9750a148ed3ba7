"""Finds and reads the records of a task's runs in an environment's object store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from infra.platform.manifests.spark_config import run_records_uri
from switchboard_spark.records import RunRecord
from switchboard_spark.sizes import record_prefix

NEWEST = 500
"""Most records that are read: what a task was like long ago says little of what it is like now."""

PARALLEL = 16
SHOWN = 20


class NoRecordsError(LookupError):
    """There is nothing to give advice from; the text says what there is."""


def find(
    s3: Any, logs_bucket: str, namespaces: Mapping[str, str], dag_id: str, task_id: str, team: str = ""
) -> list[RunRecord]:
    """The newest records of a task, oldest first. `namespaces` are those of the teams.

    Raises:
        NoRecordsError: there are none, or more than one team has some and `team` does not say which.
    """
    chosen = {team: namespaces[team]} if team in namespaces else dict(namespaces)
    if team and team not in namespaces:
        raise NoRecordsError(f"team {team!r} is none of {', '.join(sorted(namespaces))}")
    folders = {name: run_records_uri(logs_bucket, namespace) for name, namespace in chosen.items()}
    found = {name: _keys(s3, record_prefix(folder, dag_id, task_id)) for name, folder in folders.items()}
    having = [name for name, keys in found.items() if keys]
    if not having:
        known = ", ".join(islice(_tasks(s3, folders), SHOWN)) or "none at all"
        raise NoRecordsError(
            f"no run of task {task_id!r} of DAG {dag_id!r} is recorded (there are records of: {known}); a "
            "run leaves one when its driver ends"
        )
    if len(having) > 1:
        raise NoRecordsError(f"the teams {', '.join(having)} have such a task; say which: TEAM={having[0]}")
    with ThreadPoolExecutor(PARALLEL) as workers:
        read = list(workers.map(lambda key: _read(s3, logs_bucket, key), found[having[0]][-NEWEST:]))
    return sorted((record for record in read if record), key=lambda record: record.ended)


def _keys(s3: Any, prefix: str) -> list[str]:
    """The objects below a prefix, oldest first."""
    items = sorted(_objects(s3, prefix), key=lambda item: item["LastModified"])
    return [item["Key"] for item in items]


def _objects(s3: Any, prefix: str) -> Iterator[dict[str, Any]]:
    place = urlsplit(prefix)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.lstrip("/"))
    for page in pages:
        yield from page.get("Contents", [])


def _tasks(s3: Any, folders: Mapping[str, str]) -> Iterator[str]:
    """Each task that has records, as `DAG=… TASK=…`."""
    seen: set[str] = set()
    for folder in folders.values():
        for item in _objects(s3, f"{folder}/"):
            dag, task = item["Key"].split("/")[-3:-1]
            if (name := f"DAG={dag} TASK={task}") not in seen:
                seen.add(name)
                yield name


def _read(s3: Any, bucket: str, key: str) -> RunRecord | None:
    """A record; None for what is no record of a version that this one understands."""
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return RunRecord.model_validate_json(body)
    except ValidationError:
        return None
