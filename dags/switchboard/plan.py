"""Plans a run over recorded calls: finds them, refuses the impossible ones, writes batches, says what each
task has to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from switchboard.calls import Recording, Selection, select_found, select_named, share_out
from switchboard.names import run_slug
from switchboard.objects import Objects, UriError, s3_uri

DEFAULT_PREFIX = "calls/"
STAGE_PARAMS = ("engine", "languages", "chunk_s")
"""Params of the run that are the stages' business."""


@dataclass(frozen=True)
class Planned:
    """What the tasks of a run are started with; small, since it travels through Airflow's database."""

    stages: list[list[str]]
    """Arguments of every stage, batch by batch."""
    report: list[str]
    """Arguments of the run's report."""
    whole: dict[str, Any]
    """Arguments of an application that takes all batches at once."""
    summary: str
    """One line for the log."""


def plan_run(objects: Objects, bucket: str, run_id: str, params: Mapping[str, Any]) -> Planned:
    """Write `runs/<run>/plan.json` and its batches, and an error record beside the results of each refused
    call.

    Written in the same way each time, so that a second try of the task is harmless.

    Raises:
        UriError: `prefix`, `calls` or `output` name nothing that could exist, or both `prefix` and `calls`
        are given.
    """
    slug = run_slug(run_id)
    run = f"s3://{bucket}/runs/{slug}"
    output = s3_uri("output", params["output"], bucket).rstrip("/")
    selection = choose(objects, bucket, params)
    batches = share_out(selection.calls, params["batch_size"], params["max_batches"])
    uris = [f"{run}/batches/{index:05d}.json" for index in range(len(batches))]
    for index, (uri, batch) in enumerate(zip(uris, batches, strict=True)):
        objects.put_json(uri, batch_json(slug, index, batch))
    records = error_records(slug, selection)
    for record in records:
        objects.put_json(f"{output}/{record['call_id']}/error.json", record)
    objects.put_json(
        f"{run}/plan.json",
        {
            "run_id": slug,
            "output": output,
            "stages": list(params["stages"]),
            "batches": [len(batch) for batch in batches],
            "rejected": records,
            "ignored": selection.ignored,
            "at": _now(),
        },
    )
    chosen = {name: params[name] for name in STAGE_PARAMS}
    common = ["--output", output, "--run-id", slug, "--params", json.dumps(chosen)]
    return Planned(
        stages=[["--batch", uri, *common] for uri in uris],
        report=["--run", run, "--max-failure-share", str(params["max_failure_share"])],
        whole={"folder": run, "output": output, "run_id": slug, "params": chosen},
        summary=describe(selection, len(batches), run),
    )


def choose(objects: Objects, bucket: str, params: Mapping[str, Any]) -> Selection:
    """The calls that the params ask for. Raises UriError."""
    prefix, calls = params.get("prefix"), params.get("calls")
    if prefix and calls:
        raise UriError("prefix", prefix, "give either `prefix` or `calls`, not both")
    if calls:
        uris = list(dict.fromkeys(s3_uri("calls", each, bucket) for each in calls))
        return select_named(*objects.look_up(uris))
    return select_found(objects.below(s3_uri("prefix", prefix or DEFAULT_PREFIX, bucket)))


def batch_json(run: str, index: int, batch: list[tuple[str, Recording]]) -> dict[str, Any]:
    """A batch as the stages read it (`Batch` of the package switchboard_stage)."""
    return {
        "run_id": run,
        "index": index,
        "calls": [{"call_id": name, **asdict(each)} for name, each in batch],
    }


def error_records(run: str, selection: Selection) -> list[dict[str, Any]]:
    """An error record for each refused call (`ErrorRecord` of the package switchboard_stage)."""
    return [
        {**asdict(each), "uris": list(each.uris), "stage": "plan", "run_id": run, "image": "", "at": _now()}
        for each in selection.rejected
    ]


def describe(selection: Selection, batches: int, run: str) -> str:
    """What was planned, in one line."""
    if not selection.total:
        return f"no calls found ({selection.ignored} other files); nothing to do in {run}"
    refused = f", {len(selection.rejected)} refused" if selection.rejected else ""
    ignored = f", {selection.ignored} other files ignored" if selection.ignored else ""
    return f"{len(selection.calls)} calls in {batches} batches{refused}{ignored}; see {run}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
