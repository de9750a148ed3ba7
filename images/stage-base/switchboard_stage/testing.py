"""Run a stage on a local directory: what the unit tests of stages are written with.

bench = Workbench(tmp_path)
bench.add_source(recording)
outcome = bench.run(Preprocess, chunk_s=10)
manifest = bench.result("preprocess", "manifest.json", AudioManifest)
"""

import shutil
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from switchboard_stage.layout import DONE, batch_file
from switchboard_stage.models import Batch, BatchReport, Call, CallOutcome, ErrorRecord, StageDone
from switchboard_stage.runner import Job, Runner
from switchboard_stage.stage import Stage
from switchboard_stage.stores import Stores

M = TypeVar("M", bound=BaseModel)
RUN_ID = "test-run"
IMAGE = "test-image"


class Workbench:
    """A directory laid out like the object store, with one call in it that stages can work on."""

    def __init__(self, root: Path, call_id: str = "call-1") -> None:
        self.root = root
        self.call_id = call_id
        self.output = (root / "out").as_uri()
        self.run_uri = (root / "runs" / RUN_ID).as_uri()
        self._call = Call(call_id=call_id, uri=(root / "in" / "absent.wav").as_uri())

    def add_source(self, path: Path) -> Call:
        """Copy a recording in as the call's source."""
        target = self.root / "in" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        self._call = Call(call_id=self.call_id, uri=target.as_uri())
        return self._call

    def given(self, stage: str, name: str, value: BaseModel | bytes, *, audio_s: float = 1.0) -> None:
        """Pretend that another stage made this file, and is through with the call."""
        path = self.path(stage, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else value.model_dump_json().encode())
        done = StageDone(
            fingerprint=f"given-{stage}", stage=stage, image=f"{stage}-image", seconds=1, audio_s=audio_s
        )
        self.path(stage, DONE).write_text(done.model_dump_json())

    def run(self, stage_type: type[Stage[Any]], **params: Any) -> CallOutcome:
        """Run a stage on the call, exactly as in a pod."""
        return self.run_stage(stage_type(stage_type.params_type.model_validate(params)))

    def run_stage(self, stage: Stage[Any]) -> CallOutcome:
        """Run a stage that is expensive to make, and so shared between tests."""
        batch = Batch(run_id=RUN_ID, index=0, calls=(self._call,))
        return self.run_batch(stage, batch).calls[0]

    def run_batch(self, stage: Stage[Any], batch: Batch) -> BatchReport:
        """Run a stage on a batch of one's own."""
        uri = batch_file(self.run_uri, batch.index)
        stores = Stores()
        stores(uri).put(uri, batch.model_dump_json().encode())
        return Runner(stage, Job(uri, self.output, batch.run_id, IMAGE), stores).run()

    def result(self, stage: str, name: str, model: type[M]) -> M:
        """A file that a stage made of the call."""
        return model.model_validate_json(self.path(stage, name).read_bytes())

    def path(self, stage: str, name: str) -> Path:
        """Where that file lies."""
        return self.root / "out" / self.call_id / stage / name

    def error(self) -> ErrorRecord | None:
        """The call's error record, None where there is none."""
        path = self.root / "out" / self.call_id / "error.json"
        return ErrorRecord.model_validate_json(path.read_bytes()) if path.exists() else None
