"""What every DAG of every team has to keep to."""

import ast
import re
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


def test_dag_files_hold_no_pod_spec_and_no_spark_configuration(dag_file: Path) -> None:
    """What a pod is, and how Spark is set up, follows from a size, which is a setting of the platform."""
    assert platforms_business(ast.parse(dag_file.read_text())) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from kubernetes.client import models as k8s", "kubernetes.client"),
        ("import kubernetes.client", "kubernetes.client"),
        ("import pyspark", "pyspark"),
        ("from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator", "kubernetes"),
        ("from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator", "spark"),
        ("pod = k8s.V1Pod()", "V1Pod"),
        ("pod = V1Container(name='base')", "V1Container"),
        ("Operator(full_pod_spec=pod)", "full_pod_spec"),
        ("Operator(executor_config={'pod_override': pod})", "executor_config"),
        ("settings = {'spark.executor.memory': '4g'}", "spark.executor.memory"),
        ("arguments = [f'--conf=spark.ui.port={port}']", "--conf=spark.ui.port="),
        ("pod = {'apiVersion': 'v1', 'kind': 'Pod'}", "apiVersion"),
    ],
)
def test_pod_specs_and_spark_configuration_are_seen(code: str, found: str) -> None:
    assert any(found in what for what in platforms_business(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "from switchboard_spark.operator import SparkTaskOperator",
        '"""Runs on Spark. Spark. spark."""',
        "SparkTaskOperator(task_id='spark', application='spark.jobs:run', image='spark-example')",
        "dag = DAG('d', description='Counts words on Spark.')",
    ],
)
def test_what_a_dag_may_say_is_let_through(code: str) -> None:
    assert platforms_business(ast.parse(code)) == []


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


SPARK_CONFIGURATION = re.compile(r"(^|[\s=])spark\.[a-z]\w*\.?[\w.]*")
MODULES = re.compile(r"(^|\.)kubernetes(\.|$)|^(pyspark|airflow\.providers\.apache\.spark)(\.|$)")
POD_OBJECT = re.compile(r"^V1[A-Z]\w+$")
POD_WORDS = {"full_pod_spec", "pod_template_dict", "pod_template_file", "executor_config", "pod_override"}
POD_KEYS = {"apiVersion", "podSpec", "podTemplate"}


def platforms_business(tree: ast.AST) -> list[str]:
    """What of a DAG file belongs into the platform's settings: pod objects, pod specs, Spark's settings."""
    return [found for node in ast.walk(tree) for found in _business(node)]


def _business(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names if MODULES.search(alias.name)]
        case ast.ImportFrom():
            return [node.module or ""] if MODULES.search(node.module or "") else []
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name] if POD_OBJECT.match(name) else []
        case ast.keyword(arg=str(name)):
            return [name] if name in POD_WORDS else []
        case ast.Constant(value=str(text)) if "\n" not in text:  # documentation may speak of it
            function = re.fullmatch(r"[\w.]+:\w+", text)  # of a package that is named so
            return [text] if text in POD_KEYS or (SPARK_CONFIGURATION.search(text) and not function) else []
    return []
