"""A stage in parts: whoever works on them, what is left is what the stage leaves in one go."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path

import pytest

from switchboard_stage import CallContext, Params, Part, SplitStage, StageError
from switchboard_stage.context import Run
from switchboard_stage.errors import StoreError, UpstreamPendingError
from switchboard_stage.models import Call, CallOutcome, ErrorRecord, StageDone
from switchboard_stage.split import Split, SplitRunner
from switchboard_stage.stores import Stores
from switchboard_stage.testing import IMAGE, RUN_ID, Workbench


class LetterPart(Part):
    letter: str


class Spell(SplitStage[Params, LetterPart]):
    """Spells the source. Breaks on `!`, cannot say `?`, meets a dead store on `~`."""

    name = "spell"
    params_type = Params

    def parts(self, call: CallContext) -> list[LetterPart]:
        text = call.fetch_source().read_text()
        if not text:
            raise StageError("empty", remedy="send something")
        return [LetterPart(seconds=1, letter=letter) for letter in text]

    def work(self, call: CallContext, part: LetterPart) -> str:
        if part.letter == "!":
            raise RuntimeError("4111 1111 1111 1111")
        if part.letter == "?":
            raise StageError("a question", remedy="send none")
        if part.letter == "~":
            raise StoreError(call.call.uri, "read", "connection refused")
        return part.letter.upper()

    def finish(self, call: CallContext, results: Iterable[tuple[LetterPart, str]]) -> None:
        call.write_text("spelt.txt", "-".join(letter for _, letter in results))


def call_saying(bench: Workbench, text: str) -> Call:
    path = bench.root / "call.txt"
    path.write_text(text)
    return bench.add_source(path)


def in_parts(bench: Workbench, call: Call) -> CallOutcome:
    """As many processes would: each with a runner of its own, the last part first."""

    def runner() -> SplitRunner:
        return SplitRunner(Spell(Params()), Run(bench.output, RUN_ID, IMAGE), Stores())

    begun = runner().begin(call)
    if isinstance(begun, CallOutcome):
        return begun
    split: Split = pickle.loads(pickle.dumps(begun))
    parted = [runner().part(split.begun.call, part) for part in reversed(split.parts)]
    return runner().finish(split, pickle.loads(pickle.dumps(parted[::-1])))


def left(bench: Workbench) -> dict[str, object]:
    """Every file below the output folder; of marks and records what does not depend on time."""
    found: dict[str, object] = {}
    for path in sorted((bench.root / "out").rglob("*")):
        name = str(path.relative_to(bench.root))
        if path.name == "_done.json":
            found[name] = StageDone.model_validate_json(path.read_text()).model_copy(update={"seconds": 0})
        elif path.name == "error.json":
            found[name] = ErrorRecord.model_validate_json(path.read_text()).model_dump(exclude={"at"})
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


@pytest.mark.parametrize("text", ["abc", "", "a?b", "?!", "!?"])
def test_the_same_is_left_as_in_one_go(tmp_path: Path, text: str) -> None:
    whole, parts = (Workbench(tmp_path / name) for name in ("whole", "parts"))
    source = tmp_path / "call.txt"
    source.write_text(text)
    whole._call = call = Call(call_id="call-1", uri=source.as_uri())
    outcomes = [whole.run(Spell), in_parts(parts, call)]
    assert outcomes[0].model_copy(update={"seconds": 0}) == outcomes[1].model_copy(update={"seconds": 0})
    assert left(whole) == left(parts)


def test_what_is_unchanged_is_not_begun(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    call = call_saying(bench, "abc")
    assert bench.run(Spell).outcome == "done"
    assert in_parts(bench, call).outcome == "unchanged"
    bench.path("spell", "spelt.txt").unlink()
    assert in_parts(bench, call).outcome == "done"
    assert bench.path("spell", "spelt.txt").read_text() == "A-B-C"
    assert bench.run(Spell).outcome == "unchanged"


def test_a_record_is_taken_away_by_success_and_left_by_a_failing_part(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    assert in_parts(bench, call_saying(bench, "a!")).reason.startswith("internal error: RuntimeError at ")
    error = bench.error()
    assert error
    assert "4111" not in error.reason
    assert in_parts(bench, call_saying(bench, "a")).outcome == "done"
    assert bench.error() is None


def test_time_is_that_of_all_parts(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    runner = SplitRunner(Spell(Params()), Run(bench.output, RUN_ID, IMAGE), Stores())
    split = runner.begin(call_saying(bench, "ab"))
    assert isinstance(split, Split)
    parted = [runner.part(split.begun.call, part)._replace(seconds=100) for part in split.parts]
    assert 200 <= runner.finish(split, parted).seconds < 300
    assert 200 <= bench.result("spell", "_done.json", StageDone).seconds < 300


def test_store_trouble_is_raised_wherever_it_is_met(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    with pytest.raises(StoreError, match="connection refused"):
        in_parts(bench, call_saying(bench, "a~"))
    assert bench.error() is None


class Later(Spell):
    name = "later"
    inputs = ("spell",)


def test_missing_upstream_without_a_record_is_tried_again(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    runner = SplitRunner(Later(Params()), Run(bench.output, RUN_ID, IMAGE), Stores())
    with pytest.raises(UpstreamPendingError, match=r"call-1.*spell"):
        runner.begin(call_saying(bench, "a"))
