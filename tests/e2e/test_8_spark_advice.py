"""Runs of Spark tasks are recorded, and sizes can be compared by what they took."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

from infra.shared.paths import REPOSITORY
from ops.environment import Environment
from switchboard_spark.records import RunRecord
from tests.e2e.conftest import ENV
from tests.e2e.spark_runs import records_of

pytestmark = pytest.mark.e2e

SIZES = ["small", "medium"]


@pytest.fixture(scope="module")
def records(platform: Environment) -> list[RunRecord]:
    """Of a sweep of `pi` over two sizes that has ended well."""
    with platform.airflow() as airflow:
        conf = {"subject": "pi", "sizes": SIZES, "repetitions": 1, "partitions": 8}
        run_id = airflow.trigger("spark_sweep", conf)
        assert airflow.wait("spark_sweep", run_id, 900) == "success"
        states = {task.label: task.state for task in airflow.tasks("spark_sweep", run_id)}
    assert {name: states[name] for name in ("pi[0]", "pi[1]", "words")} == {
        "pi[0]": "success",
        "pi[1]": "success",
        "words": "skipped",
    }
    return records_of(platform, "spark_sweep", "pi", run_id)


def test_each_run_of_a_sweep_leaves_a_record(records: list[RunRecord]) -> None:
    assert [(record.size_name, record.map_index) for record in records] == [("small", 0), ("medium", 1)]
    for before, after in pairwise(records):
        assert before.ended < after.started, "one run after the other"


def test_a_record_has_plausible_numbers(records: list[RunRecord], platform: Environment) -> None:
    for record in records:
        assert (record.outcome, record.exit_code, record.reason) == ("success", 0, "")
        assert record.application == "example:pi"
        assert "@sha256:" in record.image
        assert record.session_s is not None
        assert record.first_executor_s is not None
        assert 0 < record.session_s < record.duration_s < 300
        assert 0 < record.first_executor_s < record.duration_s
        assert 1 <= len(record.executors) <= record.size.executors_max
        assert record.work is not None
        assert record.work.tasks == 8
        assert record.counted == {"throws": 800_000}
        assert record.driver_peak is not None
        assert 100 < record.driver_peak.resident_mib < record.size.driver_memory_mib
        millicores = record.size.driver_cpu_request_millicores
        assert record.driver_asked.core_s == pytest.approx(record.duration_s * millicores / 1000)
        assert record.executors_asked.memory_mib_s > 0
        assert 0 < record.cost < 0.01
        assert record.prices.currency == "USD"


def test_the_command_compares_the_sizes(records: list[RunRecord]) -> None:
    plot = REPOSITORY / ".build/spark-advice/spark_sweep.pi.png"
    plot.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ops.spark_advice", "--env", ENV, "--dag", "spark_sweep", "--task", "pi"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (*SIZES, "USD", "Recommended: ", "Why: "):
        assert words in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
