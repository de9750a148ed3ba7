"""What every DAG of every team has to keep to."""

import ast
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("airflow")

ROOT = Path(__file__).resolve().parents[3] / "dags"
LIBRARIES = {"switchboard"}
DAG_FILES = sorted(
    path for path in ROOT.glob("*/*.py") if path.parent.name not in LIBRARIES and path.name != "__init__.py"
)


@pytest.fixture(params=DAG_FILES, ids=lambda path: path.stem)
def dag_file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def load(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(path))
    return bag.dags, bag.import_errors


@pytest.fixture
def dags(dag_file: Path, lock: Path) -> dict[str, Any]:
    found, errors = load(dag_file)
    assert not errors
    assert found, f"{dag_file} defines no DAG"
    return found


def test_the_metadata_is_there(dags: dict[str, Any], dag_file: Path) -> None:
    for dag in dags.values():
        assert dag.doc_md, "the file's docstring is the documentation: doc_md=__doc__"
        assert dag.tags
        assert dag.catchup is False
        owners = {task.owner for task in dag.tasks}
        assert owners == {dag_file.parent.name}, "the owner is the team whose folder it is"


def test_every_task_is_tried_again_and_bounded(dags: dict[str, Any]) -> None:
    for task in (task for dag in dags.values() for task in dag.tasks):
        assert task.retries >= 1, task.task_id
        assert task.execution_timeout, task.task_id
        assert task.pool, task.task_id


def test_images_are_pinned_and_in_a_pool_of_their_own(dags: dict[str, Any]) -> None:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    from switchboard.stage import StageOperator

    for task in (task for dag in dags.values() for task in dag.tasks):
        if isinstance(task, KubernetesPodOperator):
            assert isinstance(task, StageOperator), f"{task.task_id}: use StageOperator"
            assert "@sha256:" in str(task.image), task.task_id
            assert task.pool != "default_pool", task.task_id


def test_dag_files_hold_no_pod_spec(dag_file: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(dag_file.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    assert not [name for name in imported if "kubernetes" in name]


def test_nothing_depends_on_a_logical_date(dag_file: Path) -> None:
    """A run that was asked for over the API has none."""
    for forbidden in ("{{ ds", "{{ ts", "logical_date", "data_interval", "execution_date"):
        assert forbidden not in dag_file.read_text()


def test_parsing_is_quick(dag_file: Path, lock: Path) -> None:
    load(dag_file)  # imports of libraries are the dag-processor's, once
    started = time.perf_counter()
    load(dag_file)
    assert time.perf_counter() - started < 1


def test_an_image_that_is_not_pinned_is_an_import_error_that_says_so(lock: Path) -> None:
    lock.write_text("{}")
    _, errors = load(ROOT / "speech/autotranscribe.py")
    (error,) = errors.values()
    assert "is not in images.lock.json (it pins: nothing)" in error
    assert "make images" in error


def _names(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
