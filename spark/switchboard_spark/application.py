"""The function that a Spark task runs: found by its name, called as the task says, its result made JSON."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from switchboard_spark.model import EXIT_PERMANENT, EXIT_USAGE, RESULT_BYTES, Success

SPARK = "spark"
"""The parameter that gets the session, in a function that has it."""


class UsageError(Exception):
    """The task was set up wrongly; another try would end the same way."""

    kind: Final = "usage"

    def __init__(self, reason: str, remedy: str, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.exit_code = reason, remedy, exit_code


class PermanentError(Exception):
    """For applications to raise where another try would end the same way: bad data above all."""

    kind: Final = "application"
    exit_code: Final = EXIT_PERMANENT

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


@dataclass(frozen=True)
class Call:
    """A function and what to call it with."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Any]
    wants_session: bool

    def __call__(self, session: Callable[[], Any]) -> Any:
        """Call it, with a session where it wants one."""
        given = {SPARK: session()} if self.wants_session else {}
        return self.function(**self.arguments, **given)


def read(words: Sequence[str] | None) -> Call:
    """The call that the command line asks for. Raises UsageError."""
    parser = _Parser(prog="python -m switchboard_spark.run", description=__doc__)
    parser.add_argument("--application", required=True, metavar="MODULE:FUNCTION")
    parser.add_argument("--arguments", default="{}", metavar="JSON", help="the function's keyword arguments")
    given = parser.parse_args(words)
    arguments = _arguments(given.arguments)
    function = _find(given.application)
    parameters = inspect.signature(function).parameters
    wants = SPARK in parameters and SPARK not in arguments
    try:
        inspect.signature(function).bind(**arguments, **({SPARK: None} if wants else {}))
    except TypeError as error:
        raise UsageError(
            f"{given.application} cannot be called with {sorted(arguments) or 'no arguments'}: {error}",
            f"its parameters are: {', '.join(parameters) or 'none'}",
        ) from None
    return Call(given.application, function, arguments, wants)


def as_success(result: Any) -> Success:
    """A result as it can travel. Raises UsageError for one that can't."""
    try:
        size = len(json.dumps(result, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        reason = f"the result is no JSON: {error}"
        raise UsageError(
            reason, "return plain values (dict, list, str, int, float, None)", EXIT_PERMANENT
        ) from None
    if size > RESULT_BYTES:
        reason = f"the result has {size:,} bytes as JSON, and {RESULT_BYTES:,} is the most"
        raise UsageError(reason, "write it to the object store and return where it is", EXIT_PERMANENT)
    return Success(result=result)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.format_usage().strip())


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"--arguments is not JSON: {error}", 'give an object, like {"day": "2024-05-01"}'
        ) from None
    if not isinstance(arguments, dict):
        raise UsageError("--arguments is not an object", 'give keyword arguments, like {"day": "2024-05-01"}')
    return arguments


def _find(name: str) -> Callable[..., Any]:
    place, _, attribute = name.partition(":")
    if not place or not attribute:
        raise UsageError(
            f"--application {name!r} is not MODULE:FUNCTION", "name a function, like counts:by_day"
        )
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        # A module that the application itself lacks is the application's error, with a traceback.
        if error.name is None or not (place == error.name or place.startswith(f"{error.name}.")):
            raise
        reason = f"the image has no module {error.name!r}"
        raise UsageError(reason, "does its Dockerfile copy it to /app, and is this the image?") from None
    function: Callable[..., Any] | None = getattr(module, attribute, None)
    if function is None or not callable(function):
        raise UsageError(f"{place} has no function {attribute!r}", f"define it there, or correct {name!r}")
    return function
