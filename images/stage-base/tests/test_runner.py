"""The runner: what is skipped, recorded, set aside and reported."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from switchboard_stage import CallContext, Params, Stage, StageError
from switchboard_stage.errors import StoreError, UpstreamPendingError
from switchboard_stage.layout import batch_file
from switchboard_stage.models import Batch, BatchReport, Call, ErrorRecord
from switchboard_stage.runner import Job, Runner, StoppedError
from switchboard_stage.stores import Stores
from switchboard_stage.testing import Workbench

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class SizeParams(Params):
    unit: int = 1


class Size(Stage[SizeParams]):
    """A first stage: how long the source is. Refuses empty sources, breaks on `!`, meets a dead store on
    `~`.
    """

    name = "size"
    params_type = SizeParams
    seen: ClassVar[list[str]] = []

    def process(self, call: CallContext) -> None:
        data = call.fetch_source().read_bytes()
        self.seen.append(call.call.call_id)
        if not data:
            raise StageError("empty", remedy="send something")
        if data == b"!":
            raise RuntimeError("4111 1111 1111 1111")
        if data == b"~":
            raise StoreError(call.call.uri, "read", "connection refused")
        call.audio_s = 2.0
        call.write_json("size.json", len(data) // self.params.unit)


class Double(Stage[Params]):
    name = "double"
    inputs = ("size",)
    params_type = Params

    def process(self, call: CallContext) -> None:
        size = call.read_json("size", "size.json")
        if size == 13:
            raise StageError("thirteen", remedy="add a byte")
        call.write_json("double.json", size * 2)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    Size.seen.clear()
    return Workbench(tmp_path)


def source(bench: Workbench, data: bytes) -> None:
    path = bench.root / "call.bin"
    path.write_bytes(data)
    bench.add_source(path)


def test_writes_results_then_mark_and_passes_audio_length_on(bench: Workbench) -> None:
    source(bench, b"abc")
    assert bench.run(Size).outcome == "done"
    outcome = bench.run(Double)
    assert (outcome.outcome, outcome.audio_s) == ("done", 2.0)
    assert bench.path("double", "double.json").read_text() == "6"
    assert bench.path("double", "_done.json").exists()


def test_unchanged_is_skipped_and_each_dependency_makes_it_work_again(bench: Workbench) -> None:
    source(bench, b"abc")
    bench.run(Size)
    bench.run(Double)
    assert bench.run(Size).outcome == "unchanged"
    assert bench.run(Double).outcome == "unchanged"
    assert bench.run(Size, other=5).outcome == "unchanged"
    assert bench.run(Size, unit=2).outcome == "done"
    assert bench.run(Double).outcome == "done"
    source(bench, b"abcd")
    assert bench.run(Size, unit=2).outcome == "done"


def test_a_result_that_was_removed_is_made_again(bench: Workbench) -> None:
    source(bench, b"abc")
    bench.run(Size)
    bench.run(Double)
    bench.path("size", "size.json").unlink()
    assert bench.run(Size).outcome == "done"
    assert bench.path("size", "size.json").exists()
    assert bench.run(Double).outcome == "unchanged"


def test_a_failed_call_is_recorded_and_set_aside_by_later_stages(bench: Workbench) -> None:
    source(bench, b"")
    outcome = bench.run(Size)
    assert (outcome.outcome, outcome.reason) == ("failed", "empty")
    record = bench.error()
    assert record
    assert (record.stage, record.reason, record.remedy) == ("size", "empty", "send something")
    assert bench.run(Double).outcome == "set-aside"


def test_success_takes_the_old_record_away(bench: Workbench) -> None:
    source(bench, b"")
    bench.run(Size)
    source(bench, b"x")
    assert bench.run(Size).outcome == "done"
    assert bench.error() is None


def test_a_call_that_gets_worse_loses_its_marks(bench: Workbench) -> None:
    source(bench, b"abc")
    bench.run(Size)
    bench.run(Double)
    source(bench, b"")
    bench.run(Size)
    assert bench.run(Double).outcome == "set-aside"
    assert not bench.path("size", "_done.json").exists()
    assert not bench.path("double", "_done.json").exists()


def test_a_later_stage_keeps_records_of_others_and_clears_its_own(bench: Workbench) -> None:
    source(bench, b"x" * 13)
    bench.run(Size)
    assert bench.run(Double).outcome == "failed"
    source(bench, b"x")
    bench.run(Size)
    assert bench.error() is None
    bench.run(Double)
    other = ErrorRecord(
        call_id="call-1",
        uris=(),
        stage="elsewhere",
        reason="r",
        remedy="m",
        run_id="r",
        at=NOW,
    )
    error = bench.path("size", "").parent / "error.json"
    error.write_text(other.model_dump_json())
    bench.run(Double)
    assert bench.error() == other


def test_source_gone(bench: Workbench) -> None:
    outcome = bench.run(Size)
    assert outcome.outcome == "failed"
    assert outcome.reason.startswith("object gone: file://")


def test_an_unexpected_error_is_recorded_without_its_words(bench: Workbench) -> None:
    source(bench, b"!")
    outcome = bench.run(Size)
    assert outcome.reason.startswith("internal error: RuntimeError at test_runner.py:")
    assert "4111" not in outcome.reason


def test_store_trouble_ends_the_batch_without_a_record(bench: Workbench) -> None:
    source(bench, b"~")
    with pytest.raises(StoreError, match="connection refused"):
        bench.run(Size)
    assert bench.error() is None


def test_missing_upstream_without_a_record_is_tried_again(bench: Workbench) -> None:
    with pytest.raises(UpstreamPendingError, match=r"call-1.*size"):
        bench.run(Double)


def calls_of(bench: Workbench, **contents: bytes) -> tuple[Call, ...]:
    calls = []
    for name, data in contents.items():
        path = bench.root / name
        path.write_bytes(data)
        calls.append(Call(call_id=name, uri=path.as_uri()))
    return tuple(calls)


def test_report_counts_and_rejected_calls_get_their_records(bench: Workbench) -> None:
    twice = ErrorRecord(
        call_id="twin",
        uris=("a", "b"),
        stage="plan",
        reason="two",
        remedy="rename",
        run_id="r",
        at=NOW,
    )
    batch = Batch(run_id="r", index=3, calls=calls_of(bench, good=b"x", bad=b"", odd=b"!"), rejected=(twice,))
    report = bench.run_batch(Size(SizeParams()), batch)
    assert [o.outcome for o in report.calls] == ["done", "failed", "failed"]
    assert report.audio_s == 2.0
    stored = bench.root / "runs" / "test-run" / "stages" / "size" / "00003.json"
    assert BatchReport.model_validate_json(stored.read_text()) == report
    assert (bench.root / "out" / "twin" / "error.json").exists()


def test_stops_between_calls(bench: Workbench) -> None:
    batch = Batch(run_id="r", index=0, calls=calls_of(bench, one=b"x", two=b"y"))
    uri = batch_file(bench.run_uri, 0)
    stores = Stores()
    stores(uri).put(uri, batch.model_dump_json().encode())
    answers = iter([False, True])
    stage: Stage[Any] = Size(SizeParams())
    with pytest.raises(StoppedError, match="1 of 2"):
        Runner(stage, Job(uri, bench.output, "r", "i"), stores, lambda: next(answers)).run()
    assert Size.seen == ["one"]
