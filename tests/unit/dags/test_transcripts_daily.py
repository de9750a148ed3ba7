"""The daily batch job: which day it does, in which order, and who gets the warehouse's password."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("airflow")

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def dag(lock: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags/speech/transcripts_daily.py"))
    assert not bag.import_errors
    return bag.dags["transcripts_daily"]


def rendered(dag: Any, task_id: str, **params: Any) -> dict[str, Any]:
    """A task's arguments in a run that was begun in the first hour of 1 March."""
    from airflow.sdk.execution_time import macros

    task = dag.get_task(task_id)
    defaults = {
        name: param["default"] if isinstance(param, dict) else param
        for name, param in dag.params.dump().items()
    }
    run = SimpleNamespace(run_after=datetime(2026, 3, 1, 0, 47, tzinfo=UTC))
    task.render_template_fields(
        {"params": {**defaults, **params}, "dag_run": run, "macros": macros},
        jinja_env=task.get_template_env(dag),
    )
    arguments: dict[str, Any] = task.arguments
    return arguments


@pytest.mark.parametrize("task_id", ["to_parquet", "to_postgres"])
def test_the_day_is_the_one_before_the_run_unless_one_is_given(dag: Any, task_id: str) -> None:
    assert rendered(dag, task_id)["day"] == "2026-02-28"


@pytest.mark.parametrize("task_id", ["to_parquet", "to_postgres"])
def test_a_day_that_is_given_is_a_day(dag: Any, task_id: str) -> None:
    assert rendered(dag, task_id, day="2026-01-10")["day"] == "2026-01-10"


def test_numbers_stay_numbers(dag: Any) -> None:
    assert rendered(dag, "to_parquet", min_calls=25)["min_calls"] == 25


def test_nothing_is_loaded_that_was_not_checked(dag: Any) -> None:
    assert dag.get_task("to_postgres").upstream_task_ids == {"to_parquet"}
    assert dag.get_task("to_postgres").trigger_rule == "all_success"
    assert dag.max_active_runs == 1


def test_only_the_load_gets_the_warehouse(dag: Any) -> None:
    assert dag.get_task("to_parquet").connections == ()
    assert dag.get_task("to_postgres").connections == ("warehouse",)


@pytest.mark.parametrize("task_id", ["to_parquet", "to_postgres"])
def test_the_image_has_the_function_with_these_arguments(dag: Any, task_id: str) -> None:
    task = dag.get_task(task_id)
    module, _, function = task.application.partition(":")
    source = ROOT / "images" / task.stage_image / f"{module.replace('.', '/')}.py"
    (found,) = (
        node
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    assert {*task.arguments} <= {argument.arg for argument in found.args.args}
