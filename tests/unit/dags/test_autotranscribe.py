from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autotranscribe import work
from switchboard.objects import Objects
from tests.unit.dags.conftest import reference
from tests.unit.dags.fake_s3 import FakeS3

pytest.importorskip("airflow")

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")
ROOT = Path(__file__).resolve().parents[3]


def load() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags/speech/autotranscribe.py"))
    assert not bag.import_errors
    return bag.dags["autotranscribe"]


@pytest.fixture
def dag(lock: Path) -> Any:
    return load()


def test_stages_follow_each_other_within_a_batch(dag: Any) -> None:
    order = STAGES
    for before, after in pairwise(order):
        assert f"batch.{before}" in dag.get_task(f"batch.{after}").upstream_task_ids
    assert dag.get_task("report").upstream_task_ids == {"plan", "batch.postprocess", "spark"}


def test_the_report_expects_the_stages_that_there_are(dag: Any) -> None:
    stages = {f"batch.{name}" for name in STAGES}
    assert {task.task_id for task in dag.tasks} == {"plan", "report", "spark", *stages}


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
        ("engine_runtime", "spark", "threads"),
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


def test_without_spark_there_are_pods_as_ever(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    monkeypatch.delenv("SWITCHBOARD_SPARK")
    dag = load()
    assert not dag.has_task("spark")
    assert dag.get_task("report").upstream_task_ids == {"plan", "batch.postprocess"}
    with pytest.raises(ParamValidationError, match="spark"):
        dag.params.get_param("engine_runtime").resolve(value="spark")


def test_a_platform_that_says_nonsense_of_spark_is_an_import_error(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("SWITCHBOARD_SPARK", "{")
    (error,) = DagBag(str(ROOT / "dags/speech/autotranscribe.py")).import_errors.values()
    assert "SWITCHBOARD_SPARK cannot be used" in error


class TaskInstance:
    """What `plan` pushes."""

    map_index = -1

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def planned(dag: Any, monkeypatch: pytest.MonkeyPatch, recordings: int, runtime: str) -> tuple[Any, Any]:
    """What the task `plan` answers and pushes."""
    s3, ti, task = FakeS3(), TaskInstance(), dag.get_task("plan")
    s3.add(*(f"s3://data/calls/{number}.wav" for number in range(recordings)))
    monkeypatch.setenv("SWITCHBOARD_DATA_BUCKET", "data")
    monkeypatch.setattr(Objects, "connect", classmethod(lambda cls: cls(s3)))
    params = {**dag.params.dump(), "engine_runtime": runtime, "batch_size": 1}
    context = {"params": params, "ti": ti, "task": task, "run_id": "r1"}
    monkeypatch.setitem(task.python_callable.__globals__, "get_current_context", lambda: context)
    return task.python_callable(), ti.pushed


def test_with_pods_every_batch_is_mapped_over_and_spark_left_out(
    dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, pushed = planned(dag, monkeypatch, 2, "pods")
    assert [batch[:2] for batch in batches] == [
        ["--batch", f"s3://data/runs/r1/batches/0000{number}.json"] for number in range(2)
    ]
    assert pushed["skipmixin_key"] == {"skipped": ["spark"]}
    assert "whole" not in pushed


def test_with_spark_nothing_is_mapped_over_and_the_application_told(
    dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, pushed = planned(dag, monkeypatch, 2, "spark")
    assert batches == []
    assert "skipmixin_key" not in pushed
    assert pushed["whole"] == {
        "folder": "s3://data/runs/r1",
        "run_id": "r1",
        "output": "s3://data/transcripts",
        "params": {"engine": "pocketsphinx", "languages": ["en"], "chunk_s": 30},
        "images": {name: reference(name) for name in STAGES},
    }


def test_without_calls_no_application_is_started(dag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    batches, pushed = planned(dag, monkeypatch, 0, "spark")
    assert batches == []
    assert pushed["skipmixin_key"] == {"skipped": ["spark"]}


def test_both_ways_have_the_same_stages() -> None:
    assert tuple(work.STAGES) == STAGES


def test_the_scheduler_asks_the_plan_whether_spark_was_left_out(dag: Any) -> None:
    assert dag.get_task("plan").inherits_from_skipmixin
    assert "spark" in dag.get_task("plan").downstream_task_ids
