"""Systems beside the object store that an application reaches: told to the driver alone."""

from __future__ import annotations

import os
from collections.abc import Mapping

from switchboard_spark.application import UsageError
from switchboard_spark.model import connection_variable


def connection(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The URI of a system that the task asked for by `connections=["<name>"]`, credentials included.

    It is a secret: never log it, return it, or use it in a function that executors run.

    Raises:
        UsageError: the task did not ask for it.
    """
    variable = connection_variable(name)
    uri = environment.get(variable)
    if not uri:
        raise UsageError(
            f"{variable} is not set: the task did not ask for the connection {name!r}",
            f"give SparkTaskOperator connections=[{name!r}]; on a laptop set the variable to a URI",
        )
    return uri
