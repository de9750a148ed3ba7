"""The stack that the end-to-end tests run on: stood up through the front door, taken down at the end.

It is an environment of its own (`e2e`: other names and ports), so that one that somebody works with stays.
`E2E_KEEP=1` leaves it up, which makes the next run faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.cluster.engine import choose_engine
from infra.cluster.leftovers import Snapshot, snapshot
from infra.cluster.settings import load
from infra.shared.paths import REPOSITORY, Paths
from ops.environment import Environment
from tests.e2e.calls import Calls, upload_calls

ENV = os.environ.get("E2E_ENV", "e2e")


def front_door(command: str, *arguments: str) -> None:
    """Run what `make <command>` runs; its output goes to the test's."""
    done = subprocess.run(
        [sys.executable, "-m", f"ops.{command}", "--env", ENV, *arguments], cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, f"`make {command} ENV={ENV}` ended with status {done.returncode}"


@pytest.fixture(scope="session")
def before() -> Snapshot:
    """What the machine had of the environment before it was stood up."""
    paths = Paths.of(ENV)
    return snapshot(load(ENV), choose_engine(paths).engine, paths)


@pytest.fixture(scope="session")
def stack(before: Snapshot) -> Iterator[Environment]:
    """The environment, up."""
    front_door("up", "--no-sample")
    yield Environment.load(ENV)
    if not os.environ.get("E2E_KEEP"):
        front_door("down")


@pytest.fixture(scope="session")
def calls(stack: Environment, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """Recordings in the data bucket."""
    return upload_calls(stack, tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="session")
def twin_runs(stack: Environment, calls: Calls) -> tuple[str, str]:
    """The same run twice at once; both have ended."""
    with stack.airflow() as airflow:
        first, second = (airflow.trigger("autotranscribe", calls.conf) for _ in range(2))
        for run in (first, second):
            airflow.wait("autotranscribe", run, 1500)
    return first, second


@pytest.fixture(scope="session")
def finished_run(twin_runs: tuple[str, str]) -> str:
    """A run of AutoTranscribe that has ended."""
    return twin_runs[0]
