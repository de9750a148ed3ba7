"""The daily batch job on the stack: as pandas has it, again the same, and no bad data in the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from ops.airflow_api import AirflowApi
from ops.environment import Environment
from tests.e2e.conftest import ENV
from tests.e2e.spark_runs import DRIVER, NAMESPACE, Run
from tests.support.transcripts import (
    CALLS,
    SAID,
    SEGMENTS,
    Document,
    compare,
    document,
    ordered,
    parquet,
    text,
)
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

DAG = "transcripts_daily"
FOLDER = "e2e/batch"
LAKE = f"{FOLDER}/lake"
DOCUMENTS = [document(f"batch-{number}") for number in range(6)]
PSQL = "PGPASSWORD=$(cat /etc/postgres/owner-password) exec psql -XAt -U warehouse -d warehouse -c "
VARIABLE = "SWITCHBOARD_CONNECTION_WAREHOUSE"


@dataclass(frozen=True)
class Batch:
    """The job on a folder of the tests' own, and where its results are."""

    stack: Environment
    airflow: AirflowApi

    def key(self, call_id: str) -> str:
        return f"{FOLDER}/transcripts/{call_id}/postprocess/transcript.json"

    def put(self, value: Document) -> None:
        body = text(value).encode()
        self.stack.s3.put_object(Bucket=self.stack.data_bucket, Key=self.key(value["call_id"]), Body=body)

    def remove(self, call_id: str) -> None:
        self.stack.s3.delete_object(Bucket=self.stack.data_bucket, Key=self.key(call_id))

    def start(self, day: str, **params: Any) -> Run:
        prefix = f"{FOLDER}/transcripts/"
        return Run.start(self.stack, self.airflow, DAG, day=day, prefix=prefix, lake=LAKE, **params)

    def parquet(self, day: str) -> dict[str, pd.DataFrame]:
        s3, bucket = self.stack.s3, self.stack.data_bucket
        return {table: parquet(s3, bucket, f"{LAKE}/{table}/day={day}") for table in ("calls", "segments")}

    def tables(self) -> dict[str, pd.DataFrame]:
        """What the warehouse has of the tests' calls."""
        ours = "WHERE call_id LIKE 'batch-%'"
        return {
            name: ordered(name, pd.DataFrame(self.rows(f"SELECT * FROM {name} {ours}")), columns)
            for name, columns in (("calls", CALLS), ("segments", SEGMENTS))
        }

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the warehouse, asked for in its own pod."""
        statement = f"SELECT coalesce(json_agg(found), '[]') FROM ({query}) AS found"
        shell = ("exec", "warehouse-0", "--", "sh", "-c", f'{PSQL}"$0"', statement)
        found: list[dict[str, Any]] = json.loads(self.stack.kubectl("-n", NAMESPACE, *shell))
        return found

    def log(self, run: Run, task_id: str, words: str) -> str:
        """A task's log with its error, once it has these words."""
        found: list[str] = []
        place = f"/dags/{DAG}/dagRuns/{run.run_id}/taskInstances/{task_id}/logs/1"

        def there() -> bool:
            content = self.airflow.get(place, full_content=True)["content"]
            found[:] = [json.dumps(content, ensure_ascii=False)]
            return words in found[0]

        until(f"the log of {task_id} says {words!r}", there, within_s=60, every_s=2)
        return found[0]


@pytest.fixture(scope="module")
def batch(stack: Environment) -> Iterator[Batch]:
    """The stack, as it is now: it may have been taken down and made again since the session began."""
    environment = Environment.load(ENV)
    with environment.airflow() as airflow:
        yield Batch(environment, airflow)


@pytest.fixture(scope="module")
def day(batch: Batch) -> str:
    """The day on which the transcripts were written, as the object store has it."""
    for each in DOCUMENTS:
        batch.put(each)
    keys = [batch.key(each["call_id"]) for each in DOCUMENTS]
    heads = [batch.stack.s3.head_object(Bucket=batch.stack.data_bucket, Key=key) for key in keys]
    (of_all,) = {head["LastModified"].strftime("%Y-%m-%d") for head in heads}
    return str(of_all)


@pytest.fixture(scope="module")
def loaded(batch: Batch, day: str) -> Run:
    """A first run, which ended well. Only the driver of the second task was given the warehouse."""
    run = batch.start(day)
    seen: dict[str, set[str]] = {}

    def ended() -> bool:
        for pod in batch.stack.pods(NAMESPACE, f"dag_id={DAG}"):
            labels = pod["metadata"]["labels"]
            names = {each["name"] for each in pod["spec"]["containers"][0].get("env", [])}
            who = f"{labels.get('task_id')} {labels.get('app.kubernetes.io/component', 'worker')}"
            seen.setdefault(who, set()).update(names & {VARIABLE})
        return batch.airflow.run_state(DAG, run.run_id) in {"success", "failed"}

    until("the day is loaded", ended, within_s=900, every_s=1)
    assert batch.airflow.run_state(DAG, run.run_id) == "success"
    assert {who for who, names in seen.items() if names} == {"to_postgres spark-driver"}, seen
    assert {"to_parquet spark-driver", "to_parquet spark-executor"} <= set(seen)
    return run


def test_a_day_is_in_parquet_and_in_postgres_as_pandas_has_it(batch: Batch, day: str, loaded: Run) -> None:
    segments = sum(len(each["segments"]) for each in DOCUMENTS)
    assert loaded.result("to_parquet")["calls"] == loaded.result("to_postgres")["calls"] == len(DOCUMENTS)
    assert loaded.result("to_postgres")["changed"] == len(DOCUMENTS) + segments
    compare(batch.parquet(day), DOCUMENTS)
    compare(batch.tables(), DOCUMENTS)


def test_who_loads_is_nobody_in_airflows_database(batch: Batch, loaded: Run) -> None:
    (role,) = batch.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert role == {"rolsuper": False}
    assert {row["datname"] for row in batch.rows("SELECT datname FROM pg_database")} >= {"warehouse"}
    assert "airflow" not in {row["datname"] for row in batch.rows("SELECT datname FROM pg_database")}


def test_the_same_day_again_gives_the_same_tables_but_for_what_is_gone(
    batch: Batch, day: str, loaded: Run
) -> None:
    run = batch.start(day)
    assert run.ends(within_s=900) == "success"
    assert (run.result("to_postgres")["changed"], run.result("to_postgres")["removed"]) == (0, 0)
    compare(batch.tables(), DOCUMENTS)
    batch.remove(DOCUMENTS[0]["call_id"])
    run = batch.start(day)
    assert run.ends(within_s=900) == "success"
    assert run.result("to_postgres")["removed"] == 1
    compare(batch.parquet(day), DOCUMENTS[1:])
    compare(batch.tables(), DOCUMENTS[1:])


def test_bad_data_never_reaches_the_warehouse(batch: Batch, day: str, loaded: Run) -> None:
    before, published = batch.tables(), batch.parquet(day)
    batch.put(document("batch-poisoned", language={"code": "tlh", "confidence": 0.5, "scores": {}}))
    run = batch.start(day)
    assert run.ends(within_s=900) == "failed"
    states = {task.task_id: (task.state, task.try_number) for task in batch.airflow.tasks(DAG, run.run_id)}
    assert states["to_parquet"] == ("failed", 1), "the same data would break the rule again"
    assert states["to_postgres"][0] == "upstream_failed"
    log = batch.log(run, "to_parquet", "Remedy:")
    assert "calls.language_is_a_code asks for regex-match (column language, pattern ^[a-z]{2}$)" in log
    assert "rows break it (batch-poisoned)" in log
    assert SAID not in log
    place = {"Bucket": batch.stack.data_bucket, "Key": f"{LAKE}/quarantine/day={day}.json"}
    kept = json.loads(batch.stack.s3.get_object(**place)["Body"].read())
    assert kept["rows"] == [{"table": "calls", "call_id": "batch-poisoned", "rules": ["language_is_a_code"]}]
    for name, table in batch.tables().items():
        pd.testing.assert_frame_equal(table, before[name])
    for name, table in batch.parquet(day).items():
        pd.testing.assert_frame_equal(table, published[name])
    batch.remove("batch-poisoned")


def test_nothing_of_it_is_left_in_the_cluster(batch: Batch, loaded: Run) -> None:
    until("no driver is left", lambda: not batch.stack.pods(NAMESPACE, f"{DRIVER},dag_id={DAG}"), within_s=30)
