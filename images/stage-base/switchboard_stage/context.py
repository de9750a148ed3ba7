"""What a stage sees of one call."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from pydantic import BaseModel

from switchboard_stage.layout import stage_file
from switchboard_stage.models import Call, StageDone
from switchboard_stage.store import Store, download

M = TypeVar("M", bound=BaseModel)


class Run(NamedTuple):
    """What a stage's work on every call of a run has in common. `output` is the folder with a folder for each
    call, `image` the digest of the stage's image.
    """

    output: str
    run_id: str
    image: str


class CallContext:
    """One call as its stage sees it: what earlier stages made, a place for scratch files, and where results
    go.

    Attributes
    ----------
    scratch
        A folder of its own, removed when the stage is through with the call.
    upstream
        The marks that the stages named in `inputs` left: image, fingerprint, length of the audio.
    audio_s
        Length of the audio in seconds, for the report; the first stage sets it, later ones inherit it.
    written
        Names of the files that the stage has written of this call.
    image
        The image that the stage's code is from, by digest.
    """

    def __init__(
        self,
        call: Call,
        *,
        stage: str,
        run: Run,
        scratch: Path,
        stores: Callable[[str], Store],
    ) -> None:
        self.call = call
        self.run_id = run.run_id
        self.image = run.image
        self.scratch = scratch
        self.upstream: dict[str, StageDone] = {}
        self.audio_s = 0.0
        self.written: set[str] = set()
        self._stage = stage
        self._output = run.output
        self._stores = stores

    # --- reading

    def open_source(self) -> AbstractContextManager[BinaryIO]:
        """The recording as a stream."""
        return self._stores(self.call.uri).open(self.call.uri)

    def fetch_source(self) -> Path:
        """The recording as a file in scratch; its name is the last part of its key."""
        path = self.scratch / Path(self.call.uri).name
        download(self._stores(self.call.uri), self.call.uri, path)
        return path

    def open_input(self, stage: str, name: str) -> AbstractContextManager[BinaryIO]:
        """A file that another stage made of this call, as a stream."""
        uri = stage_file(self._output, self.call.call_id, stage, name)
        return self._stores(uri).open(uri)

    def fetch_input(self, stage: str, name: str) -> Path:
        """A file that another stage made of this call, as a file in scratch. Unlink it when many are
        fetched.
        """
        uri = stage_file(self._output, self.call.call_id, stage, name)
        path = self.scratch / "inputs" / stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        download(self._stores(uri), uri, path)
        return path

    def read_json(self, stage: str, name: str) -> Any:
        """A JSON file that another stage made of this call."""
        return json.loads(self._get(stage, name))

    def read_model(self, stage: str, name: str, model: type[M]) -> M:
        """A JSON file that another stage made of this call, checked against its model."""
        return model.model_validate_json(self._get(stage, name))

    # --- writing

    def write_json(self, name: str, value: object) -> None:
        """Write plain data as a file of this stage."""
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=1))

    def write_model(self, name: str, value: BaseModel) -> None:
        """Write a model as a file of this stage."""
        self.write_text(name, value.model_dump_json(indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Write text as a file of this stage."""
        uri = self.output_uri(name)
        self._stores(uri).put(uri, text.encode())
        self.written.add(name)

    def put_file(self, name: str, path: Path) -> None:
        """Upload a file, streaming, as a file of this stage."""
        uri = self.output_uri(name)
        self._stores(uri).upload(path, uri)
        self.written.add(name)

    def output_uri(self, name: str) -> str:
        """Where a file of this stage lies."""
        return stage_file(self._output, self.call.call_id, self._stage, name)

    def _get(self, stage: str, name: str) -> bytes:
        uri = stage_file(self._output, self.call.call_id, stage, name)
        return self._stores(uri).get(uri)
