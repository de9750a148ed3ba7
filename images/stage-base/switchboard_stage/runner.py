"""Runs a stage over the calls of a batch."""

from typing import Any, NoReturn

from switchboard_stage.stage import Stage


def main(stage_type: type[Stage[Any]]) -> NoReturn:
    """Command line of a stage: `--batch URI --output URI --run-id ID [--params JSON]`. Never returns; exits."""
    raise NotImplementedError
