"""The whole path: six kinds of calls and every bad one, twice at once, into transcripts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops import images
from ops.environment import Environment
from tests.e2e.calls import Calls
from tests.e2e.conftest import Runs
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")


def read_json(stack: Environment, key: str) -> Any:
    return json.loads(stack.s3.get_object(Bucket=stack.data_bucket, Key=key)["Body"].read())


def keys(stack: Environment, prefix: str) -> dict[str, Any]:
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.data_bucket, Prefix=prefix)
    return {item["Key"]: item["LastModified"] for page in pages for item in page.get("Contents", [])}


def test_both_runs_end_well(stack: Environment, ended_runs: Runs) -> None:
    with stack.airflow() as airflow:
        assert {airflow.run_state("autotranscribe", run) for run in ended_runs.twins} == {"success"}


def test_every_good_call_has_its_transcript(stack: Environment, calls: Calls, ended_runs: Runs) -> None:
    lock = images.pinned(stack.name)
    for reference in calls.good:
        folder = f"{calls.output}/{reference.call_id}/postprocess"
        transcript = read_json(stack, f"{folder}/transcript.json")
        assert {stage: transcript["versions"][stage] for stage in STAGES} == {
            stage: lock[stage] for stage in STAGES
        }
        assert transcript["language"]["code"] == "en"
        assert transcript["duration_s"] == pytest.approx(reference.duration_s, abs=0.5)
        assert len(transcript["speakers"]) == 2, reference.call_id
        heard = sum(len(segment["words"]) for segment in transcript["segments"])
        assert heard > 0.5 * reference.words, f"{reference.call_id}: {heard} words of {reference.words}"
        vtt = (
            stack.s3.get_object(Bucket=stack.data_bucket, Key=f"{folder}/transcript.vtt")["Body"]
            .read()
            .decode()
        )
        assert vtt.startswith("WEBVTT")
        assert f"{folder}/transcript.txt" in keys(stack, folder)
        assert f"{calls.output}/{reference.call_id}/error.json" not in keys(stack, folder.rsplit("/", 1)[0])


def test_personal_data_is_redacted(stack: Environment, calls: Calls, ended_runs: Runs) -> None:
    for reference in calls.good:
        transcript = read_json(stack, f"{calls.output}/{reference.call_id}/postprocess/transcript.json")
        text = " ".join(segment["text"] for segment in transcript["segments"]).lower()
        assert transcript["redactions"], f"{reference.call_id}: nothing was redacted"
        for digits in reference.spoken_numbers:
            assert digits not in text, f"{reference.call_id}: a number can be read"


def test_every_bad_call_says_why(stack: Environment, calls: Calls, ended_runs: Runs) -> None:
    for call_id, (stage, words) in calls.bad.items():
        record = read_json(stack, f"{calls.output}/{call_id}/error.json")
        assert record["stage"] == stage, record
        assert any(word in record["reason"].lower() for word in words), record
        assert record["remedy"]
        assert f"{calls.output}/{call_id}/postprocess/transcript.json" not in keys(
            stack, f"{calls.output}/{call_id}/"
        )


def test_the_last_task_prints_the_table(stack: Environment, calls: Calls, ended_runs: Runs) -> None:
    with stack.airflow() as airflow:
        run = ended_runs.twins[0]
        report = next(task for task in airflow.tasks("autotranscribe", run) if task.task_id == "report")
        until("the log is there", lambda: "calls" in airflow.log("autotranscribe", run, report))
        log = airflow.log("autotranscribe", run, report)
    for heading in ("calls", "minutes", "words", "redactions", "failures", "real-time factor"):
        assert heading in log.lower()
    for call_id in calls.bad:
        assert call_id in log


def test_too_many_failures_fail_the_run(stack: Environment, ended_runs: Runs) -> None:
    with stack.airflow() as airflow:
        run = ended_runs.too_many_failures
        assert airflow.run_state("autotranscribe", run) == "failed"
        failed = {task.task_id for task in airflow.tasks("autotranscribe", run) if task.state == "failed"}
    assert failed == {"report"}


def test_a_repeated_run_redoes_only_what_has_changed_or_is_missing(
    stack: Environment, calls: Calls, ended_runs: Runs
) -> None:
    changed, other, lost = calls.good[0], calls.good[1], calls.good[2]
    calls.replace_audio(stack, changed, by=other)
    missing = f"{calls.output}/{lost.call_id}/postprocess/transcript.json"
    stack.s3.delete_object(Bucket=stack.data_bucket, Key=missing)
    before = keys(stack, f"{calls.output}/")
    with stack.airflow() as airflow:
        run = airflow.trigger("autotranscribe", {**calls.conf, "batch_size": 20})
        assert airflow.wait("autotranscribe", run, 600) == "success"
    after = keys(stack, f"{calls.output}/")

    good = {each.call_id for each in calls.good}
    written = [key.removeprefix(f"{calls.output}/") for key, at in after.items() if before.get(key) != at]
    redone = {tuple(key.split("/")[:2]) for key in written if key.split("/")[0] in good}
    assert {stage for call_id, stage in redone if call_id == changed.call_id} >= set(STAGES)
    assert {pair for pair in redone if pair[0] != changed.call_id} == {(lost.call_id, "postprocess")}
    assert missing in after
