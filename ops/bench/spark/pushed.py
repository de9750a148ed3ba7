"""DAG files that a benchmark pushes, for as long as it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.platform.manifests.spark_config import run_records_uri
from ops.airflow_api import FINISHED, AirflowApi
from ops.bench.measure import BENCH, NAMESPACE, until_at
from ops.bench.spark.objects import remove
from ops.environment import Environment
from switchboard.names import run_slug

VISIBLE_S = 180
POLL_S = 5.0

PREAMBLE = """\
import json
import os

SPARK = json.loads(os.environ["SWITCHBOARD_SPARK"])
POOLS = json.loads(os.environ["SWITCHBOARD_NODE_POOLS"])
SPARK["sizes"]["bench"] = {size}
POOLS |= {pools}
os.environ.update(SWITCHBOARD_SPARK=json.dumps(SPARK), SWITCHBOARD_NODE_POOLS=json.dumps(POOLS))
"""
"""Gives a DAG file a size `bench` of its own."""


class BenchError(RuntimeError):
    """What was measured is not what was to be measured; the text says what happened."""


def with_size(size: Mapping[str, object], dag: str, pools: Mapping[str, object] | None = None) -> str:
    """A DAG file that knows a Spark size `bench`, and node pools beside the platform's."""
    return PREAMBLE.format(size=dict(size), pools=dict(pools or {})) + dag


@contextmanager
def pushed(
    environment: Environment, files: Mapping[str, str], dag_ids: Sequence[str]
) -> Iterator[AirflowApi]:
    """Push DAG files, wait until Airflow has read all of these DAGs from them, and remove the files
    afterwards, with the records of their Spark runs. Raises TimeoutError where it has not read them within
    three minutes.
    """
    with TemporaryDirectory() as folder, environment.airflow() as airflow:
        repository = environment.dag_repository(Path(folder) / "dags")
        commit = repository.change("Bench begins", files, BENCH)
        try:
            for dag_id in dag_ids:
                until_at(airflow, dag_id, commit, VISIBLE_S)
            yield airflow
        finally:
            repository.change("Bench is over", dict.fromkeys(files), BENCH)
            for dag_id in dag_ids:
                forget(environment, dag_id)


def forget(environment: Environment, dag_id: str) -> None:
    """Remove the records of a DAG's Spark runs: nobody should be given advice from them."""
    logs = environment.cluster.object_store.buckets["logs"]
    folder = run_records_uri(logs, NAMESPACE).removeprefix(f"s3://{logs}/")
    remove(environment, logs, f"{folder}/{run_slug(dag_id)}/")


def ended_well(airflow: AirflowApi, dag_id: str, run_id: str, within_s: float) -> None:
    """Wait for a run's end. Raises BenchError with the end of a failed task's log, and where it goes on for
    longer than `within_s`.
    """
    deadline = time.monotonic() + within_s
    # Seldom: what Airflow takes to answer counts for what is measured
    while (state := airflow.run_state(dag_id, run_id)) not in FINISHED and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if state != "success":
        failed = [task for task in airflow.tasks(dag_id, run_id) if task.state == "failed"]
        tail = airflow.log(dag_id, run_id, failed[0])[-2000:] if failed else "no task failed"
        raise BenchError(f"run {run_id} of {dag_id} ended as {state}; a log of it ends:\n{tail}")
