"""Run a stage on a local directory: what the unit tests of stages are written with."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from switchboard_stage.models import Call, CallOutcome, ErrorRecord
from switchboard_stage.stage import Stage

M = TypeVar("M", bound=BaseModel)


class Workbench:
    """A directory laid out like the object store, with a call in it that stages can work on."""

    def __init__(self, root: Path, call_id: str = "call-1") -> None:
        self.root = root
        self.call_id = call_id

    def add_source(self, path: Path) -> Call:
        """Copy a recording in as the call's source."""
        raise NotImplementedError

    def given(self, stage: str, name: str, value: BaseModel | bytes) -> None:
        """Pretend that another stage made this file (and is done with the call)."""
        raise NotImplementedError

    def run(self, stage_type: type[Stage[Any]], **params: Any) -> CallOutcome:
        """Run a stage on the call, exactly as in a pod."""
        raise NotImplementedError

    def result(self, stage: str, name: str, model: type[M]) -> M:
        """A file that a stage made of the call."""
        raise NotImplementedError

    def path(self, stage: str, name: str) -> Path:
        """Where that file lies."""
        raise NotImplementedError

    def error(self) -> ErrorRecord | None:
        """The call's error record."""
        raise NotImplementedError
