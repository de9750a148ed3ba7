import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from report.cli import run
from report.models import Summary
from switchboard_stage.errors import StoreError
from switchboard_stage.models import (
    AudioSource,
    BatchReport,
    CallOutcome,
    ErrorRecord,
    Language,
    Redaction,
    Segment,
    Transcript,
    Word,
)

STAGES = ("preprocess", "postprocess")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Run:
    """A run's folder and its results, in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = (root / "runs/r1").as_uri()
        self.rejected: list[ErrorRecord] = []
        self.batches: list[list[str]] = []

    def put(self, path: str, content: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def plan(self, *batches: list[str]) -> None:
        self.batches = list(batches)
        plan = {
            "run_id": "r1",
            "output": (self.root / "out").as_uri(),
            "stages": STAGES,
            "batches": [len(batch) for batch in batches],
            "rejected": [record.model_dump(mode="json") for record in self.rejected],
            "ignored": 0,
            "at": NOW.isoformat(),
        }
        self.put("runs/r1/plan.json", json.dumps(plan))
        for index, batch in enumerate(batches):
            calls = [{"call_id": name, "uri": f"s3://b/{name}.wav"} for name in batch]
            self.put(
                f"runs/r1/batches/{index:05d}.json",
                json.dumps({"run_id": "r1", "index": index, "calls": calls}),
            )

    def stage(self, name: str, index: int, seconds: float = 6, **outcomes: str) -> None:
        calls = tuple(
            CallOutcome(call_id=call, outcome=outcomes.get(call, "done"), seconds=1, audio_s=60)  # type: ignore[arg-type]
            for call in self.batches[index]
        )
        audio = sum(60 for call in calls if call.outcome == "done")
        report = BatchReport(
            run_id="r1",
            stage=name,
            batch=index,
            image="i",
            started_at=NOW,
            seconds=seconds,
            audio_s=audio,
            calls=calls,
        )
        self.put(f"runs/r1/stages/{name}/{index:05d}.json", report.model_dump_json())

    def transcript(self, call: str, words: int = 10) -> None:
        word = Word(text="x", start_s=0, end_s=1, confidence=1, channel=0, speaker="speaker-0")
        found = Redaction(
            entity="PERSON",
            start_s=0,
            end_s=1,
            speaker="s",
            score=1,
            recogniser="n",
            words_from=0,
            words_to=1,
        )
        made = Transcript(
            call_id=call,
            source=AudioSource(
                uri="u", etag="e", container="wav", codec="pcm", sample_rate_hz=8000, channels=1
            ),
            duration_s=60,
            language=Language(code="en", confidence=1, scores={}),
            speakers=("speaker-0",),
            segments=(Segment(speaker="speaker-0", start_s=0, end_s=1, text="x", words=(word,) * words),),
            redactions=(found,),
            versions={},
            run_id="r1",
        )
        self.put(f"out/{call}/postprocess/transcript.json", made.model_dump_json())

    def error(self, call: str, reason: str = "not audio") -> ErrorRecord:
        record = ErrorRecord(
            call_id=call, uris=(f"s3://b/{call}.wav",), stage="preprocess", reason=reason,
            remedy="send audio",
            run_id="r1", at=NOW,
        )  # fmt: skip
        self.put(f"out/{call}/error.json", record.model_dump_json())
        return record

    def report(self, share: str = "0.5") -> int:
        return run(["--run", self.uri, "--max-failure-share", share])

    def summary(self) -> Summary:
        return Summary.model_validate_json((self.root / "runs/r1/summary.json").read_text())


@pytest.fixture
def made(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_good_run_is_counted(made: Run, capsys: pytest.CaptureFixture[str]) -> None:
    made.plan(["1", "2"], ["3"])
    for name in STAGES:
        made.stage(name, 0)
        made.stage(name, 1)
    for call in "123":
        made.transcript(call)
    assert made.report() == 0
    summary = made.summary()
    assert (summary.calls, summary.transcribed, summary.minutes, summary.words) == (3, 3, 3.0, 30)
    assert summary.redactions == {"PERSON": 3}
    assert summary.real_time_factor == pytest.approx(2 * 12 / 180, abs=1e-3)
    printed = capsys.readouterr().out
    for text in ("Run r1", "redactions", "real-time factor", "preprocess", "0.133"):
        assert text in printed
    assert "WARNING" not in printed
    assert "\x1b" not in printed, "colours make a task's log unreadable"


def test_failures_are_listed_with_reason_and_remedy(made: Run, capsys: pytest.CaptureFixture[str]) -> None:
    made.plan(["1", "bad"])
    made.stage("preprocess", 0, bad="failed")
    made.stage("postprocess", 0, bad="set-aside")
    made.transcript("1")
    made.error("bad", "not audio [really]")
    assert made.report() == 0
    printed = capsys.readouterr().out
    for text in ("bad", "not audio [really]", "send audio"):
        assert text in printed
    assert made.summary().failures[0].uris == ("s3://b/bad.wav",)


@pytest.mark.parametrize(("share", "code"), [("0.5", 0), ("0.49", 65), ("0", 65), ("1", 0)])
def test_the_share_of_failures_decides(
    made: Run, share: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made.plan(["1", "bad"])
    made.stage("preprocess", 0, bad="failed")
    made.stage("postprocess", 0, bad="set-aside")
    made.transcript("1")
    made.error("bad")
    assert made.report(share) == code
    assert ("ERROR: 1 of 2 calls failed (50%)" in capsys.readouterr().out) == bool(code)


def test_calls_refused_by_the_plan_count(made: Run) -> None:
    made.rejected = [made.error("twice", "two recordings have one id")]
    made.plan(["1"])
    for name in STAGES:
        made.stage(name, 0)
    made.transcript("1")
    assert made.report() == 0
    assert made.summary().failure_share == 0.5


def test_a_batch_that_got_stuck_is_named_and_its_calls_failed(
    made: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    made.plan(["1"], ["2", "3"])
    for name in STAGES:
        made.stage(name, 0)
    made.stage("preprocess", 1)
    made.transcript("1")
    made.transcript("2")  # from an earlier run: this one did not get that far
    assert made.report() == 65
    summary = made.summary()
    assert {failure.call_id for failure in summary.failures} == {"2", "3"}
    assert all(
        "batch 1 was not finished: its task 'postprocess' failed" in each.reason for each in summary.failures
    )
    assert "WARNING: postprocess left no report of batch 1" in capsys.readouterr().out


def test_an_old_error_record_does_not_outweigh_a_transcript(made: Run) -> None:
    made.plan(["1"])
    for name in STAGES:
        made.stage(name, 0)
    made.transcript("1")
    made.error("1")
    assert made.report() == 0
    assert made.summary().transcribed == 1


def test_a_second_run_over_the_same_calls_has_no_real_time_factor(made: Run) -> None:
    made.plan(["1"])
    made.transcript("1")
    outcomes: dict[str, Any] = {"1": "unchanged"}
    for name in STAGES:
        made.stage(name, 0, **outcomes)
    assert made.report() == 0
    assert made.summary().real_time_factor is None
    assert made.summary().transcribed == 1


def test_no_calls_are_a_success_that_says_so(made: Run, capsys: pytest.CaptureFixture[str]) -> None:
    made.plan()
    assert made.report("0") == 0
    assert "no calls found" in capsys.readouterr().out
    assert made.summary().calls == 0


def test_without_a_plan_it_says_what_is_missing(made: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.report() == 2
    assert "plan.json" in capsys.readouterr().out


def test_a_failing_store_is_to_be_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Away:
        def get(self, uri: str) -> bytes:
            raise StoreError(uri, "read", "connection refused")

    assert run(["--run", "s3://b/runs/r"], lambda _: Away()) == 75  # type: ignore[arg-type,return-value]
    assert "connection refused; try again" in capsys.readouterr().out


@pytest.mark.parametrize("share", ["1.1", "-1", "many"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(SystemExit):
        run(["--run", "s3://b/runs/r", f"--max-failure-share={share}"])


def test_the_dag_writes_the_plan_that_the_report_reads() -> None:
    from report.models import Plan
    from switchboard.objects import Objects
    from switchboard.plan import plan_run

    class Sink:
        def __init__(self) -> None:
            self.written: dict[str, Any] = {}

        def get_paginator(self, _: str) -> "Sink":
            return self

        def paginate(self, **_: str) -> list[dict[str, Any]]:
            return [
                {
                    "Contents": [
                        {"Key": f"calls/{name}", "ETag": '"e"', "Size": 1}
                        for name in ("1.wav", "x/1.wav", "2.wav")
                    ]
                }
            ]

        def put_object(self, Key: str, Body: bytes, **_: str) -> None:  # noqa: N803
            self.written[Key] = json.loads(Body)

    sink = Sink()
    params = {
        "output": "transcripts", "batch_size": 1, "max_batches": 5, "stages": ["a"], "max_failure_share": 0.5,
        "engine": "e", "languages": ["en"], "chunk_s": 30,
    }  # fmt: skip
    plan_run(Objects(sink), "data", "r1", params)
    plan = Plan.model_validate(sink.written["runs/r1/plan.json"])
    assert plan.batches == (1,)
    assert plan.rejected[0].call_id == "1"
