"""One generated call through AutoTranscribe: what `make up` ends with."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from rich.text import Text

from infra.shared.paths import REPOSITORY
from ops.airflow_api import TaskState
from ops.console import console
from ops.environment import Environment
from samples import make_sample_call

DAG_ID = "autotranscribe"
PREFIX = "calls/sample/"
OUTPUT = "transcripts"
RUN_TIMEOUT_S = 900
STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")


class SampleError(RuntimeError):
    """The sample call has no transcript; the text says where to look."""


def transcribed_sample(env: Environment, lock: dict[str, str]) -> dict[str, Any]:
    """The sample call's transcript: the stored one if the pinned images made it, else a new run's.

    Raises:
        SampleError: the run failed.
    """
    audio = make_sample_call(REPOSITORY / ".build/samples")
    etag = _upload(env, audio)
    transcript = _read_transcript(env, audio.stem)
    if transcript and _is_current(transcript, etag, lock):
        return transcript
    _run(env)
    transcript = _read_transcript(env, audio.stem)
    if transcript is None:
        raise SampleError(
            f"{DAG_ID} ended well, but s3://{env.data_bucket}/{_transcript_key(audio.stem)} is not there"
        )
    return transcript


def _upload(env: Environment, audio: Path) -> str:
    key = PREFIX + audio.name
    try:
        head = env.s3.head_object(Bucket=env.data_bucket, Key=key)
        if head["ContentLength"] == audio.stat().st_size:
            return str(head["ETag"]).strip('"')
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    with audio.open("rb") as body:
        return str(env.s3.put_object(Bucket=env.data_bucket, Key=key, Body=body)["ETag"]).strip('"')


def _transcript_key(call_id: str) -> str:
    return f"{OUTPUT}/{call_id}/postprocess/transcript.json"


def _read_transcript(env: Environment, call_id: str) -> dict[str, Any] | None:
    try:
        body = env.s3.get_object(Bucket=env.data_bucket, Key=_transcript_key(call_id))["Body"].read()
    except env.s3.exceptions.NoSuchKey:
        return None
    transcript: dict[str, Any] = json.loads(body)
    return transcript


def _is_current(transcript: dict[str, Any], etag: str, lock: dict[str, str]) -> bool:
    versions = transcript["versions"]
    return transcript["source"]["etag"] == etag and all(
        versions.get(stage) == lock[stage] for stage in STAGES
    )


def _run(env: Environment) -> None:
    with env.airflow() as airflow:
        run_id = airflow.trigger(DAG_ID, {"prefix": f"s3://{env.data_bucket}/{PREFIX}"})
        console.print(f"      run {run_id}: {airflow.url}/dags/{DAG_ID}/runs/{run_id}", markup=False)
        state = airflow.wait(DAG_ID, run_id, RUN_TIMEOUT_S, on_change=_Progress())
        if state != "success":
            failed = [t for t in airflow.tasks(DAG_ID, run_id) if t.state == "failed"]
            tail = airflow.log(DAG_ID, run_id, failed[0])[-2000:] if failed else "no task failed"
            names = ", ".join(task.label for task in failed)
            raise SampleError(f"run {run_id} of {DAG_ID} failed in {names}; a log of it ends:\n{tail}")


class _Progress:
    """Prints a line for each task that starts or ends."""

    def __init__(self) -> None:
        self._printed: Counter[str] = Counter()

    def __call__(self, tasks: list[TaskState]) -> None:
        for task in tasks:
            line = f"      {task.label}: {task.state}"
            if task.state in {"running", "success", "failed", "up_for_retry"} and not self._printed[line]:
                console.print(line, style="dim", markup=False)
                self._printed[line] += 1


def readable(transcript: dict[str, Any]) -> Text:
    """The transcript as a person reads it: time, speaker, words, redactions marked."""
    page = Text()
    for segment in transcript["segments"]:
        minutes, seconds = divmod(int(segment["start_s"]), 60)
        page.append(f"  {minutes:02d}:{seconds:02d}  ", style="dim")
        page.append(f"{segment['speaker']:<10} ", style="cyan")
        page.append_text(_marked(segment["text"]))
        page.append("\n")
    return page


def _marked(text: str) -> Text:
    marked = Text(text)
    marked.highlight_regex(re.compile(r"\[[A-Z_]+\]"), "bold black on yellow")
    return marked
