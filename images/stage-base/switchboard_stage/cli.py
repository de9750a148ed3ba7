"""Command line of a stage.

Exit codes: 0 the batch is through (calls that could not be worked on have error records); 2 started wrongly;
75 the object store failed or another run is at the same calls, try again; 143 stopped by SIGTERM between two
calls.
"""

import argparse
import json
import logging
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

from pydantic import ValidationError

from switchboard_stage.errors import StoreError, UpstreamPendingError, UsageError
from switchboard_stage.layout import run_of
from switchboard_stage.runner import Job, Runner, StoppedError, summarise
from switchboard_stage.stage import Stage
from switchboard_stage.stores import Stores

USAGE, TRY_AGAIN, STOPPED = 2, 75, 128 + signal.SIGTERM
log = logging.getLogger("switchboard.stage")


def main(stage_type: type[Stage[Any]]) -> NoReturn:
    """Command line of a stage: `--batch URI --output URI --run-id ID [--params JSON]`. Never returns;
    exits.
    """
    # Standard output is the task's log; a handler flushes after each line.
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.exit(run(stage_type, sys.argv[1:]))


def run(stage_type: type[Stage[Any]], argv: list[str]) -> int:
    """As `main`, but answers the exit code."""
    try:
        job, raw = parse(stage_type.name, argv)
        stage = build(stage_type, raw)
        report = Runner(stage, job, Stores(), Sigterm()).run()
    except UsageError as error:
        log.error("%s: %s", stage_type.name, error)
        return USAGE
    except (StoreError, UpstreamPendingError) as error:
        log.error("%s: %s; try again", stage_type.name, error)
        return TRY_AGAIN
    except StoppedError as error:
        log.warning("%s: %s", stage_type.name, error)
        return STOPPED
    log.info("%s", summarise(report))
    return 0


def parse(name: str, argv: list[str]) -> tuple[Job, str]:
    """The job and the parameters' JSON. Raises `UsageError`; exits with 2 where argparse finds the fault."""
    parser = argparse.ArgumentParser(prog=name, description=f"The {name} stage over the calls of a batch.")
    parser.add_argument("--batch", required=True, metavar="URI", help="<run>/batches/<index>.json")
    parser.add_argument(
        "--output", required=True, metavar="URI", help="folder that holds a folder for each call"
    )
    parser.add_argument("--run-id", required=True, metavar="ID")
    parser.add_argument("--params", default="{}", metavar="JSON", help="one object for all stages")
    given = parser.parse_args(argv)
    try:
        run_of(given.batch)
    except ValueError as error:
        raise UsageError("--batch", given.batch, str(error)) from None
    image = os.environ.get("SWITCHBOARD_IMAGE", "local")
    return Job(given.batch, given.output.rstrip("/"), given.run_id, image), given.params


def build(stage_type: type[Stage[Any]], raw: str) -> Stage[Any]:
    """The stage with its parameters. Raises `UsageError` naming the key and its value."""
    try:
        values = json.loads(raw)
    except ValueError as error:
        raise UsageError("--params", raw, f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise UsageError("--params", raw, 'give a JSON object, like {"engine": "pocketsphinx"}')
    try:
        return stage_type(stage_type.params_type.model_validate(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"--params key {key}", first["input"], first["msg"]) from None


class Sigterm:
    """Answers whether SIGTERM has come since it was made."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        log.warning("SIGTERM: stopping after this call")
        self._asked = True

    def __call__(self) -> bool:
        return self._asked
