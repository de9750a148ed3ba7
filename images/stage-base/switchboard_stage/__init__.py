"""The library that stages of the speech pipeline are written with."""

from switchboard_stage.cli import main
from switchboard_stage.context import CallContext
from switchboard_stage.errors import StageError
from switchboard_stage.stage import Params, Part, SplitStage, Stage

__all__ = ["CallContext", "Params", "Part", "SplitStage", "Stage", "StageError", "main"]
