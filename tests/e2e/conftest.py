"""The stack that the end-to-end tests run on: stood up through the front door, taken down at the end.

It is an environment of its own (`e2e`: other names and ports), so that one that somebody works with stays.
`E2E_KEEP=1` leaves it up, which makes the next run faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from infra.cluster.engine import choose_engine
from infra.cluster.leftovers import Snapshot, snapshot
from infra.cluster.settings import load
from infra.shared.paths import REPOSITORY, Paths
from ops.airflow_api import AirflowApi
from ops.environment import Environment
from tests.e2e.calls import Calls, Recordings, generate_calls, upload_calls
from tests.support.machine import machine

ENV = os.environ.get("E2E_ENV", "e2e")
KEEP = bool(os.environ.get("E2E_KEEP"))


def front_door(command: str, *arguments: str, **variables: str) -> None:
    """Run what `make <command>` runs; its output goes to the test's."""
    done = subprocess.run(
        [sys.executable, "-m", f"ops.{command}", "--env", ENV, *arguments],
        cwd=REPOSITORY,
        env=os.environ | variables,
        check=False,
    )
    assert done.returncode == 0, f"`make {command} ENV={ENV}` ended with status {done.returncode}"


@pytest.fixture(scope="session")
def before() -> Snapshot:
    """What the machine had of the environment before it was stood up."""
    paths = Paths.of(ENV)
    with machine():
        return snapshot(load(ENV), choose_engine(paths).engine, paths)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Recordings]]:
    """The calls, spoken while the environment comes up."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(generate_calls, tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="session")
def stack(before: Snapshot, recordings: Future[Recordings]) -> Iterator[Environment]:
    """The environment, up."""
    with machine():
        front_door("up", "--no-sample")
    yield Environment.load(ENV)
    if not KEEP:
        with machine():
            front_door("down")


@pytest.fixture(scope="module")
def platform(stack: Environment) -> Environment:
    """The stack, as it is now: it may have been taken down and made again since the session began."""
    return Environment.load(ENV)


@pytest.fixture(scope="module")
def airflow(platform: Environment) -> Iterator[AirflowApi]:
    """The stack's Airflow, logged in."""
    with platform.airflow() as api:
        yield api


@pytest.fixture(scope="session")
def calls(stack: Environment, recordings: Future[Recordings]) -> Calls:
    """Recordings in the data bucket."""
    return upload_calls(stack, recordings.result())


@dataclass(frozen=True)
class Runs:
    """Names of the runs that go through the stack at once."""

    twins: tuple[str, str]
    too_many_failures: str


@pytest.fixture(scope="session")
def started_runs(stack: Environment, calls: Calls) -> Runs:
    """The same calls twice, in batches of two sizes, and a run of bad calls alone.

    What does not need their end is tested meanwhile.
    """
    with stack.airflow() as airflow:
        first = airflow.trigger("autotranscribe", calls.conf)
        second = airflow.trigger("autotranscribe", {**calls.conf, "batch_size": 20})
        conf = {"prefix": calls.bad_prefix, "output": "e2e/bad", "max_failure_share": 0.1}
        return Runs((first, second), airflow.trigger("autotranscribe", conf))


@pytest.fixture(scope="session")
def ended_runs(stack: Environment, started_runs: Runs) -> Runs:
    """The same runs; all have ended."""
    with stack.airflow() as airflow:
        for run in (*started_runs.twins, started_runs.too_many_failures):
            airflow.wait("autotranscribe", run, 1500)
    return started_runs
