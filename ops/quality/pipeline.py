"""The real stages on a local directory, in this process: what a pod does, without the pod."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from switchboard_stage import Stage
from switchboard_stage.layout import batch_file, done_file, error_file, stage_file
from switchboard_stage.models import Batch, BatchReport, Call, ErrorRecord, StageDone
from switchboard_stage.runner import Job, Runner
from switchboard_stage.stores import Stores

M = TypeVar("M", bound=BaseModel)

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")
"""The stages in the order in which they run; the code of `language-id` is in `language_id.stage`."""


def prepare_models() -> None:
    """Have the models that images bring along: the language classifier is trained here, once."""
    from language_id.cached import cached_model
    from language_id.engines import MODEL_VARIABLE

    if MODEL_VARIABLE not in os.environ:
        os.environ[MODEL_VARIABLE] = str(cached_model())


class LocalRun:
    """A directory laid out like the object store. Stages work on all of its calls at once."""

    def __init__(self, root: Path) -> None:
        self._output = (root / "out").as_uri()
        self._run = (root / "runs" / "quality").as_uri()
        self._calls: list[Call] = []
        self._store = Stores()(self._output)
        self.reports: dict[str, BatchReport] = {}

    def add(self, call_id: str, recording: Path | None = None) -> None:
        """Another call; without a recording, the files of its first stages have to be given."""
        uri = recording.absolute().as_uri() if recording else stage_file(self._output, call_id, "in", "none")
        self._calls.append(Call(call_id=call_id, uri=uri))

    def give(self, call_id: str, stage: str, name: str, value: BaseModel) -> None:
        """Pretend that a stage has made this file, and is through with the call."""
        done = StageDone(fingerprint="given", stage=stage, image="given", seconds=0, audio_s=0)
        self._store.put(stage_file(self._output, call_id, stage, name), value.model_dump_json().encode())
        self._store.put(done_file(self._output, call_id, stage), done.model_dump_json().encode())

    def run(self, stage: Stage[Any], *, may_fail: bool = False) -> BatchReport:
        """Run a stage over all calls. Raises RuntimeError where it fails on one, unless calls may fail."""
        batch = batch_file(self._run, 0)
        self._store.put(
            batch, Batch(run_id="quality", index=0, calls=tuple(self._calls)).model_dump_json().encode()
        )
        report = Runner(stage, Job(batch, self._output, "quality", "local"), Stores()).run()
        failed = [f"{call.call_id}: {call.reason}" for call in report.calls if call.outcome == "failed"]
        if failed and not may_fail:
            raise RuntimeError(f"stage {stage.name} failed on {len(failed)} calls: {'; '.join(failed[:5])}")
        self.reports[stage.name] = report
        return report

    def error(self, call_id: str) -> ErrorRecord:
        """Why a call has no transcript. Raises ObjectNotFoundError where it has no error record."""
        return ErrorRecord.model_validate_json(self._store.get(error_file(self._output, call_id)))

    def result(self, call_id: str, stage: str, name: str, model: type[M]) -> M:
        """A file that a stage has made of a call."""
        return model.model_validate_json(self._store.get(stage_file(self._output, call_id, stage, name)))


def make_stage(name: str, **params: Any) -> Stage[Any]:
    """The stage of that name, with its parameters (others' keys are ignored)."""
    module = import_module(f"{name.replace('-', '_')}.stage")
    stage_type: type[Stage[Any]] = next(
        kind for kind in vars(module).values() if isinstance(kind, type) and getattr(kind, "name", "") == name
    )
    return stage_type(stage_type.params_type.model_validate(params))
