"""The library that stages of the speech pipeline are written with."""

from switchboard_stage.cli import main
from switchboard_stage.context import CallContext
from switchboard_stage.errors import StageError
from switchboard_stage.stage import Params, Stage

__all__ = ["CallContext", "Params", "Stage", "StageError", "main"]
