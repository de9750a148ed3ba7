"""One process alone takes calls through all stages, and says what they took."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from autotranscribe import contained, work
from ops.bench.spark.alone import measure
from switchboard_stage import CallContext, Params, Part, SplitStage, Stage, StageError
from switchboard_stage.cli import build


class Toy(Stage[Params]):
    """Says how long the audio is. Refuses silence."""

    params_type = Params

    def process(self, call: CallContext) -> None:
        if not self.inputs:
            call.audio_s = float(call.fetch_source().read_text())
            if not call.audio_s:
                raise StageError("silent", remedy="none")
        call.write_text("done.txt", self.name)


class ToyAsr(SplitStage[Params, Part]):
    """Has two parts."""

    name = "asr"
    inputs = ("preprocess",)
    params_type = Params

    def parts(self, call: CallContext) -> list[Part]:
        return [Part(seconds=1), Part(seconds=2)]

    def work(self, call: CallContext, part: Part) -> float:
        return part.seconds

    def finish(self, call: CallContext, results: Iterable[tuple[Part, Any]]) -> None:
        call.write_json("parts.json", [result for _, result in results])


def toy(name: str, params: str) -> Stage[Any]:
    inputs = () if name == "preprocess" else ("preprocess",)
    return build(ToyAsr if name == "asr" else type("Named", (Toy,), {"name": name, "inputs": inputs}), params)


def told(folder: Path, *lengths: float) -> dict[str, Any]:
    calls = []
    for number, length in enumerate(lengths):
        path = folder / f"call-{number}.txt"
        path.write_text(str(length))
        calls.append({"call_id": path.stem, "uri": path.as_uri(), "etag": "", "size_bytes": 1})
    images = {name: f"{name}@1" for name in work.STAGES}
    output = (folder / "out").as_uri()
    return {"run_id": "r", "output": output, "params": {}, "images": images, "calls": calls}


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "load", toy)
    monkeypatch.setattr(contained, "again", lambda: False)


def test_all_calls_but_the_first_count(tmp_path: Path) -> None:
    found = measure(told(tmp_path, 5, 10, 20))
    assert found["audio_s"] == 30
    assert found["seconds"] > 0
    assert {path.parent.parent.name for path in tmp_path.glob("out/*/postprocess/done.txt")} == {
        "call-0",
        "call-1",
        "call-2",
    }
    assert (tmp_path / "out/call-1/asr/parts.json").read_text().split() == ["[", "1.0,", "2.0", "]"]


def test_a_call_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="call-1: set-aside"):
        measure(told(tmp_path, 5, 0))
