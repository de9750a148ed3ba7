"""A push is all that a pipeline author does: it becomes visible, and a bad one harms nobody else."""

from __future__ import annotations

import pytest

from ops.dag_repository import Author, DagRepository
from ops.environment import Environment
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("started_runs")]

AUTHOR = Author("Pipeline Author", "author@example.com")
DAG = '''"""A DAG that the tests push."""

import datetime

from airflow.sdk import dag, task


@dag(dag_id="{dag_id}", schedule=None, start_date=datetime.datetime(2026, 1, 1), tags=["{tag}"])
def pushed():
    @task(pool="default_pool")
    def read_both_halves() -> str:
        from switchboard import half

        assert half.VERSION == "{tag}", f"this file is {tag}, the library beside it {{half.VERSION}}"
        print("both halves are {tag}")
        return half.VERSION

    read_both_halves()


pushed()
'''

BROKEN = "from airflow.sdk import dag\nimport no_such_module_of_ours\n"
"""Only files that speak of DAGs and Airflow are taken for DAG files."""


def commit_of(version: str, dag_id: str = "e2e_pushed") -> dict[str, str | None]:
    """A DAG and the library that it imports: two files that must never be seen in different versions."""
    return {
        f"speech/{dag_id}.py": DAG.format(dag_id=dag_id, tag=version),
        "switchboard/half.py": f'VERSION = "{version}"\n',
    }


@pytest.fixture(scope="module")
def repository(stack: Environment, tmp_path_factory: pytest.TempPathFactory) -> DagRepository:
    return stack.dag_repository(tmp_path_factory.mktemp("author") / "dags")


def tags(stack: Environment, dag_id: str) -> set[str]:
    with stack.airflow() as airflow:
        return {tag["name"] for tag in airflow.get(f"/dags/{dag_id}")["tags"]}


def test_a_push_is_visible_and_runs_at_its_own_commit(stack: Environment, repository: DagRepository) -> None:
    first = repository.change("Add a DAG", commit_of("v1"), AUTHOR)
    with stack.airflow() as airflow:
        until("the pushed DAG is visible", lambda: airflow.dag_bundle_version("e2e_pushed") == first)
        run_id = airflow.trigger("e2e_pushed", {})
        # While the first run waits for its pod, the next commit is published: the run must not see it
        second = repository.change("Change both files", commit_of("v2"), AUTHOR)
        until("the changed DAG is visible", lambda: airflow.dag_bundle_version("e2e_pushed") == second)
        assert airflow.wait("e2e_pushed", run_id, 180) == "success"
        (task,) = airflow.tasks("e2e_pushed", run_id)
        # A worker uploads its log when it ends, a moment after its task
        until(
            "the task's log says which commit ran",
            lambda: "both halves are v1" in airflow.log("e2e_pushed", run_id, task),
        )
        run = airflow.get(f"/dags/e2e_pushed/dagRuns/{run_id}")
        assert run["bundle_version"] == first


def test_a_broken_push_shows_its_error_and_the_others_keep_running(
    stack: Environment, repository: DagRepository
) -> None:
    repository.change("Break a DAG", {"speech/e2e_broken.py": BROKEN}, AUTHOR)
    with stack.airflow() as airflow:
        until(
            "the import error is visible",
            lambda: any("no_such_module_of_ours" in text for text in airflow.import_errors().values()),
        )
        assert {"e2e_pushed", "autotranscribe"} <= airflow.dag_ids()
        run_id = airflow.trigger("e2e_pushed", {})
        assert airflow.wait("e2e_pushed", run_id, 180) == "success"
        repository.change("Mend it", {"speech/e2e_broken.py": None}, AUTHOR)
        until("the import error is gone", lambda: not airflow.import_errors())


def test_a_removed_dag_goes(stack: Environment, repository: DagRepository) -> None:
    gone: dict[str, str | None] = {"speech/e2e_pushed.py": None, "switchboard/half.py": None}
    repository.change("Remove the DAG", gone, AUTHOR)
    with stack.airflow() as airflow:
        until("the removed DAG is gone", lambda: "e2e_pushed" not in airflow.dag_ids())
