from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("airflow")

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def dag(lock: Path) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags/speech/autotranscribe.py"))
    assert not bag.import_errors
    return bag.dags["autotranscribe"]


def test_stages_follow_each_other_within_a_batch(dag: Any) -> None:
    order = STAGES
    for before, after in pairwise(order):
        assert f"batch.{before}" in dag.get_task(f"batch.{after}").upstream_task_ids
    assert dag.get_task("report").upstream_task_ids == {"plan", "batch.postprocess"}


def test_the_report_expects_the_stages_that_there_are(dag: Any) -> None:
    assert {task.task_id for task in dag.tasks} == {"plan", "report", *(f"batch.{name}" for name in STAGES)}


def test_a_batch_does_not_wait_for_another(dag: Any) -> None:
    """All stages are in one mapped group: each waits only for the one before it in its own batch."""
    for task in dag.tasks:
        if task.task_id.startswith("batch."):
            assert task.get_closest_mapped_task_group().group_id == "batch"


def test_the_report_runs_whatever_became_of_the_batches_and_decides(dag: Any) -> None:
    assert dag.get_task("report").trigger_rule == "all_done"
    assert [task.task_id for task in dag.leaves] == ["report"]


def test_every_stage_has_an_image_folder(dag: Any) -> None:
    for task in dag.tasks:
        if task.task_id != "plan":
            assert (ROOT / "images" / task.stage_image / "Dockerfile").exists(), task.task_id


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("engine", "faster-whisper", "guess"),
        ("prefix", "s3://b/x/", 3),
        ("calls", ["calls/1.wav"], [""]),
        ("batch_size", 1, 0),
        ("max_batches", 500, 501),
        ("languages", ["en", "de"], ["english"]),
        ("max_failure_share", 0, 1.1),
        ("chunk_s", 30.5, 1),
        ("output", "elsewhere", ""),
    ],
)
def test_params_are_checked_by_airflow_itself(dag: Any, name: str, good: Any, bad: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    param = dag.params.get_param(name)
    assert param.resolve(value=good) == good
    with pytest.raises(ParamValidationError):
        param.resolve(value=bad)


def test_params_without_a_value_have_a_default_that_is_valid(dag: Any) -> None:
    dag.params.validate()


def test_many_runs_may_go_at_once_on_schedule_or_by_hand(dag: Any) -> None:
    assert dag.max_active_runs >= 16
    assert dag.timetable.can_be_scheduled
