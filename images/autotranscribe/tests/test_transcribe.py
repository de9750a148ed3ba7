"""The application, with Spark's part played by lists, leaves what the stages leave batch by batch."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autotranscribe import contained, driver, work
from autotranscribe.driver import PendingError, run
from switchboard_spark.application import UsageError
from switchboard_stage import CallContext, Params, Part, SplitStage, Stage, StageError
from switchboard_stage.cli import build
from switchboard_stage.errors import StoreError
from switchboard_stage.layout import batch_file, done_file, report_file
from switchboard_stage.models import Batch, BatchReport, Call, ErrorRecord
from switchboard_stage.runner import Job, Runner
from switchboard_stage.stores import Stores
from tests.support.fake_spark import FakeSession

IMAGES = {name: f"{name}@sha256:1" for name in work.STAGES}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
INPUTS = {
    "language-id": ("preprocess",),
    "diarization": ("preprocess",),
    "asr": ("preprocess", "language-id", "diarization"),
    "redaction": ("asr",),
    "postprocess": ("preprocess", "asr", "redaction"),
}


class ToyParams(Params):
    shout: bool = False


class Toy(Stage[ToyParams]):
    """Copies what the stage before it made. Fails where the text says so."""

    params_type = ToyParams

    def process(self, call: CallContext) -> None:
        text = (
            call.read_json(self.inputs[-1], "text.json") if self.inputs else call.fetch_source().read_text()
        )
        if not self.inputs:
            call.audio_s = len(text)
        refuse(self.name, text)
        call.write_json("text.json", text)
        call.write_text("image.txt", call.image)


class LetterPart(Part):
    letter: str


class ToyAsr(SplitStage[ToyParams, LetterPart]):
    """Its parts are letters."""

    name = "asr"
    inputs = INPUTS["asr"]
    params_type = ToyParams

    def parts(self, call: CallContext) -> list[LetterPart]:
        text = call.read_json("preprocess", "text.json")
        refuse("asr", text)
        return [LetterPart(seconds=ord(letter), letter=letter) for letter in text]

    def work(self, call: CallContext, part: LetterPart) -> str:
        refuse("part", part.letter)
        return part.letter.upper() if self.params.shout else part.letter

    def finish(self, call: CallContext, results: Iterable[tuple[LetterPart, str]]) -> None:
        call.write_json("text.json", "".join(letter for _, letter in results))


TESTS = os.getpid()


def refuse(stage: str, text: str) -> None:
    if text == f"refused by {stage}":
        raise StageError(text, remedy="say something else")
    if text == f"breaks {stage}" or (stage == "part" and text == "!"):
        raise RuntimeError(text)
    if text == f"kills {stage}" or (stage == "part" and text == "^"):
        assert os.getpid() != TESTS, "the process of these tests would be killed"
        faulthandler.disable()  # it is meant
        os.kill(os.getpid(), signal.SIGKILL if text == "kills redaction" else signal.SIGABRT)
    if stage == "part" and text == "~":
        raise StoreError("s3://b/k", "read", "connection refused")


def toy(name: str) -> type[Stage[Any]]:
    if name == "asr":
        return ToyAsr
    return type("Toy", (Toy,), {"name": name, "inputs": INPUTS.get(name, ())})


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "load", lambda name, params: build(toy(name), params))
    monkeypatch.setattr(contained, "again", lambda: False)


def try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Spark did, in processes of one thread as Spark's are."""
    monkeypatch.setattr(contained, "again", lambda: True)
    monkeypatch.setattr(driver, "LANES", 1)


class Bench:
    """A run with two batches of calls, in a folder of its own."""

    def __init__(self, root: Path, source: Path, texts: dict[str, str]) -> None:
        self.root, self.folder, self.output = root, (root / "runs/r").as_uri(), (root / "out").as_uri()
        self.stores = Stores()
        calls = [self.call(source, name, text) for name, text in texts.items()]
        twice = ErrorRecord(
            call_id="twice", uris=(), stage="plan", reason="two", remedy="rename", run_id="r", at=NOW
        )
        self.batches = [
            Batch(run_id="r", index=0, calls=tuple(calls[::2]), rejected=(twice,)),
            Batch(run_id="r", index=1, calls=tuple(calls[1::2])),
        ]
        for batch in self.batches:
            uri = batch_file(self.folder, batch.index)
            self.stores(uri).put(uri, batch.model_dump_json().encode())

    def call(self, source: Path, name: str, text: str) -> Call:
        path = source / name
        path.parent.mkdir(exist_ok=True)
        if text != "gone":
            path.write_text(text)
        return Call(call_id=name, uri=path.as_uri(), size_bytes=len(text))

    def with_pods(self, **params: Any) -> None:
        for batch in self.batches:
            for name in work.STAGES:
                job = Job(batch_file(self.folder, batch.index), self.output, "r", IMAGES[name])
                Runner(build(toy(name), json.dumps(params)), job, self.stores).run()

    def with_spark(self, **params: Any) -> dict[str, float]:
        return run(self.folder, "r", self.output, params, IMAGES, FakeSession())

    def left(self) -> dict[str, Any]:
        """Every object, without times."""
        return {
            str(path.relative_to(self.root)): timeless(path)
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def reports(self, stage: str) -> list[BatchReport]:
        uris = [report_file(self.folder, stage, batch.index) for batch in self.batches]
        return [BatchReport.model_validate_json(self.stores(uri).get(uri)) for uri in uris]


def timeless(path: Path) -> Any:
    if path.suffix != ".json":
        return path.read_text()
    return without(json.loads(path.read_text()), {"seconds", "at", "started_at"})


def without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: without(each, names) for name, each in value.items() if name not in names}
    return [without(each, names) for each in value] if isinstance(value, list) else value


TEXTS = {
    "one": "hello",
    "two": "a much longer call than the others",
    "none": "",
    "gone": "gone",
    "early": "refused by preprocess",
    "odd": "breaks diarization",
    "middle": "refused by asr",
    "part": "one part breaks! here",
    "late": "refused by redaction",
}


@pytest.fixture
def benches(tmp_path: Path) -> tuple[Bench, Bench]:
    """For pods, and for Spark."""
    pods, spark = (Bench(tmp_path / name, tmp_path / "in", TEXTS) for name in ("pods", "spark"))
    return pods, spark


@pytest.mark.parametrize("again", [False, True])
def test_the_same_is_left_and_a_bad_call_takes_no_other_with_it(
    benches: tuple[Bench, Bench],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    again: bool,
) -> None:
    if again:
        try_again(monkeypatch)
    pods, spark = benches
    pods.with_pods()
    caplog.clear()
    told = spark.with_spark()
    said = "\n".join(text for logger, _, text in caplog.record_tuples if logger == "switchboard.transcribe")
    assert said.count("Traceback") == 2, "of what broke, the task's log has the place"
    assert pods.left() == spark.left()
    assert told == {"calls": 9, "transcribed": 3, "unchanged": 0, "failed": 6, "audio_s": 59.0}
    assert (spark.root / "out/two/postprocess/text.json").exists()
    assert (spark.root / "out/twice/error.json").exists()


def test_a_run_goes_on_where_another_way_of_running_has_left_off(benches: tuple[Bench, Bench]) -> None:
    _, bench = benches
    bench.with_pods()
    before = bench.left()
    (bench.root / "out/one/redaction/text.json").unlink()
    told = bench.with_spark()
    assert (told["transcribed"], told["unchanged"]) == (0, 3)
    assert told["audio_s"] == 0
    outcomes = {call.call_id: call.outcome for report in bench.reports("redaction") for call in report.calls}
    assert (outcomes["one"], outcomes["two"]) == ("done", "unchanged")
    after = bench.left()
    assert all(name.startswith("runs/") for name in before if before[name] != after[name])
    assert bench.with_spark(shout=True)["transcribed"] == 4, "nothing refuses capitals"
    assert (bench.root / "out/one/postprocess/text.json").read_text() == '"HELLO"'


def test_reports_add_the_time_of_their_calls_up(benches: tuple[Bench, Bench]) -> None:
    _, bench = benches
    bench.with_spark()
    for report in bench.reports("asr"):
        assert report.seconds == pytest.approx(sum(call.seconds for call in report.calls))
        assert report.image == IMAGES["asr"]


def test_a_call_that_kills_its_process_is_recorded_where_its_task_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_again(monkeypatch)
    stages = ("preprocess", "asr", "redaction")
    texts = {"part": "one part ki^^s", "good": "hello", **{stage: f"kills {stage}" for stage in stages}}
    bench = Bench(tmp_path, tmp_path / "in", texts)
    told = bench.with_spark()
    assert (told["transcribed"], told["failed"]) == (1, 4)
    for name, stage in {"part": "asr", **{stage: stage for stage in stages}}.items():
        record = ErrorRecord.model_validate_json((tmp_path / f"out/{name}/error.json").read_bytes())
        signal_name = "SIGKILL" if stage == "redaction" else "SIGABRT"
        assert record.stage == stage
        assert record.reason == f"the process that worked on it in {stage} was killed by {signal_name}"
        assert ("choose a larger `size`" in record.remedy) == (stage == "redaction")


@pytest.mark.parametrize("again", [False, True])
def test_store_trouble_fails_the_application_and_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    if again:
        try_again(monkeypatch)
    bench = Bench(tmp_path, tmp_path / "in", {"one": "a~"})
    with pytest.raises(StoreError, match="connection refused"):
        bench.with_spark()
    assert not (tmp_path / "out/one/error.json").exists()


def test_a_call_that_is_another_runs_is_told_when_all_others_are_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, tmp_path / "in", {"one": "a", "two": "b"})

    class Interrupted(ToyAsr):
        def finish(self, call: CallContext, results: Iterable[tuple[LetterPart, str]]) -> None:
            super().finish(call, results)
            if call.call.call_id == "one":
                mark = done_file(bench.output, "one", "preprocess")
                bench.stores(mark).delete(mark)

    monkeypatch.setattr(
        work, "load", lambda name, params: build(Interrupted if name == "asr" else toy(name), params)
    )
    with pytest.raises(PendingError, match=r"1 of 2 calls .* one: no result .* of preprocess"):
        bench.with_spark()
    assert (tmp_path / "out/two/postprocess/text.json").exists()
    reports = sorted(path.name for path in (tmp_path / "runs/r/stages").rglob("*.json"))
    assert reports == ["00001.json"] * len(work.STAGES), "the batch of the other is not held up"


def test_wrong_params_are_told_as_such(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tmp_path / "in", {"one": "a"})
    with pytest.raises(UsageError, match="--params key shout = 'loud'"):
        bench.with_spark(shout="loud")
    assert not (tmp_path / "out").exists() or not (tmp_path / "out/one").exists()
