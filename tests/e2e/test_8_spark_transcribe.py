"""The same calls through pods and on Spark: the same objects, the same failures, and a run that begins in one
way is finished in the other.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.airflow_api import AirflowApi
from ops.environment import Environment
from tests.e2e.calls import Calls
from tests.e2e.spark_runs import GONE_WITHIN_S, Run, leftovers, objects, records_of
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

DAG = "autotranscribe"
RUNS_OWN = {"seconds", "at", "started_at", "run_id"}
"""What of a result is the run's: times, and its name."""

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")


@pytest.fixture(scope="module")
def of_others(platform: Environment) -> set[str]:
    """Services, ConfigMaps and volume claims that no Spark task made."""
    return objects(platform)


@pytest.fixture(scope="module")
def conf(calls: Calls) -> dict[str, Any]:
    """Two good calls, of two channels and of one, and every bad one."""
    names = [name for name in calls.conf["calls"] if "/bad/" in name]
    good = [each for each in calls.good if each.call_id.startswith(("wav-", "telephony-mixed-"))]
    names += [f"s3://{calls.bucket}/e2e/calls/good/{each.file}" for each in good]
    return {**calls.conf, "calls": names, "max_failure_share": 0.9}


@pytest.fixture(scope="module")
def runs(
    airflow: AirflowApi, platform: Environment, conf: dict[str, Any], of_others: set[str]
) -> dict[str, Run]:
    """A run of each kind, both ended."""
    found = {
        runtime: Run.start(
            platform, airflow, DAG, **{**conf, "engine_runtime": runtime, "output": f"e2e/runtimes/{runtime}"}
        )
        for runtime in ("pods", "spark")
    }
    assert {runtime: run.ends(within_s=1500) for runtime, run in found.items()} == dict.fromkeys(
        found, "success"
    )
    return found


def left(platform: Environment, prefix: str) -> dict[str, Any]:
    """Every object below a prefix; JSON without what is the run's own."""
    pages = platform.s3.get_paginator("list_objects_v2").paginate(Bucket=platform.data_bucket, Prefix=prefix)
    found = {}
    for item in (item for page in pages for item in page.get("Contents", [])):
        data = platform.s3.get_object(Bucket=platform.data_bucket, Key=item["Key"])["Body"].read()
        found[item["Key"].removeprefix(prefix)] = (
            without_runs_own(json.loads(data)) if item["Key"].endswith(".json") else data
        )
    return found


def without_runs_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_runs_own(each) for name, each in value.items() if name not in RUNS_OWN}
    return [without_runs_own(each) for each in value] if isinstance(value, list) else value


def states(airflow: AirflowApi, run: Run) -> dict[str, set[str | None]]:
    """The states of each task's instances."""
    found: dict[str, set[str | None]] = {}
    for task in airflow.tasks(DAG, run.run_id):
        found.setdefault(task.task_id, set()).add(task.state)
    return found


def test_each_run_goes_its_way_and_no_other(airflow: AirflowApi, runs: dict[str, Run]) -> None:
    batches = {f"batch.{name}" for name in STAGES}
    pods, spark = (states(airflow, runs[runtime]) for runtime in ("pods", "spark"))
    assert pods["spark"] == {"skipped"}
    assert spark["spark"] == {"success"}
    assert {state for name in batches for state in pods[name]} == {"success"}
    assert {state for name in batches for state in spark[name]} == {"skipped"}
    assert pods["report"] == spark["report"] == {"success"}


def test_both_leave_the_same(platform: Environment, runs: dict[str, Run]) -> None:
    pods, spark = (left(platform, f"e2e/runtimes/{runtime}/") for runtime in ("pods", "spark"))
    assert sorted(pods) == sorted(spark)
    assert [name for name in pods if pods[name] != spark[name]] == []
    assert sum(name.endswith("/postprocess/transcript.json") for name in spark) == 2


def test_bad_calls_are_told_by_the_same_reasons(
    calls: Calls, platform: Environment, runs: dict[str, Run]
) -> None:
    spark = left(platform, "e2e/runtimes/spark/")
    for call_id, (stage, words) in calls.bad.items():
        record = spark[f"{call_id}/error.json"]
        assert record["stage"] == stage, record
        assert any(word in record["reason"].lower() for word in words), record


def test_the_application_counts_what_it_did(platform: Environment, runs: dict[str, Run]) -> None:
    told = runs["spark"].result("spark")
    assert (told["transcribed"], told["unchanged"]) == (2, 0)
    assert told["audio_s"] > 30
    counted = [record.counted for record in records_of(platform, DAG, "spark", runs["spark"].run_id)]
    assert counted == [{"audio_seconds": told["audio_s"]}]


def test_a_run_on_spark_goes_on_where_pods_left_off(
    airflow: AirflowApi,
    platform: Environment,
    conf: dict[str, Any],
    runs: dict[str, Run],
    of_others: set[str],
) -> None:
    found = left(platform, "e2e/runtimes/pods/")
    lost = next(name for name in found if name.endswith("/redaction/redacted.json"))
    platform.s3.delete_object(Bucket=platform.data_bucket, Key=f"e2e/runtimes/pods/{lost}")
    again = {**conf, "engine_runtime": "spark", "output": "e2e/runtimes/pods"}
    run = Run.start(platform, airflow, DAG, **again)
    assert run.ends(within_s=900) == "success"
    told = run.result("spark")
    assert (told["transcribed"], told["unchanged"], told["audio_s"]) == (0, 2, 0)
    assert left(platform, "e2e/runtimes/pods/") == found
    until("nothing of Spark is left", lambda: not leftovers(platform, of_others), GONE_WITHIN_S)
