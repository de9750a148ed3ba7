"""`make spark-advice`: finds a task's records, and says what they come to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.environment import Environment, NotUpError
from ops.spark_advice import __main__ as command
from ops.spark_advice.records import NoRecordsError, find
from switchboard_spark.records import RunRecord
from tests.unit.dags.fake_s3 import FakeS3
from tests.unit.ops.test_spark_advice import run


class Bucket(FakeS3):
    """One that tells when an object was written, and gives it back."""

    def paginate(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        for page in super().paginate(Bucket, Prefix):
            yield {"Contents": [{**item, "LastModified": item["Key"]} for item in page.get("Contents", [])]}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        class Body:
            read = staticmethod(lambda: self.objects[Bucket, Key])

        return {"Body": Body}

    def keep(self, record: RunRecord, team: str, name: str) -> None:
        key = f"spark-runs/airflow-{team}/{record.dag_id}/{record.task_id}/{name}.json"
        self.objects["logs", key] = record.model_dump_json().encode()


TEAMS = {"speech": "airflow-speech", "search": "airflow-search"}


def test_records_of_a_task_are_found_oldest_first() -> None:
    bucket = Bucket()
    for minute in (3, 1, 2):
        bucket.keep(run("small", 10, 1, minute=minute), "speech", f"run-{minute}")
    bucket.objects["logs", "spark-runs/airflow-speech/speech/words/run-9.json"] = b"{}"
    bucket.objects["logs", "spark-runs/airflow-speech/speech/words_too/run.json"] = b"{}"
    found = find(bucket, "logs", TEAMS, "speech", "words")
    assert [record.started.minute for record in found] == [1, 2, 3]


def test_what_is_not_there_is_said_with_what_is() -> None:
    bucket = Bucket()
    with pytest.raises(NoRecordsError, match="there are records of: none at all"):
        find(bucket, "logs", TEAMS, "speech", "words")
    bucket.keep(run("small", 10, 1), "speech", "run")
    with pytest.raises(NoRecordsError, match=r"'pi' .*there are records of: DAG=speech TASK=words\)"):
        find(bucket, "logs", TEAMS, "speech", "pi")
    bucket.keep(run("small", 20, 1), "search", "run")
    with pytest.raises(NoRecordsError, match="speech, search have such a task; say which: TEAM=speech"):
        find(bucket, "logs", TEAMS, "speech", "words")
    (one,) = find(bucket, "logs", TEAMS, "speech", "words", "search")
    assert one.duration_s == 20
    with pytest.raises(NoRecordsError, match="team 'sales' is none of search, speech"):
        find(bucket, "logs", TEAMS, "speech", "words", "sales")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    """The object store of an environment that is up."""
    store = Bucket()
    cluster = SimpleNamespace(object_store=SimpleNamespace(buckets={"logs": "logs"}))
    up = SimpleNamespace(cluster=cluster, s3=store, platform={"namespaces": TEAMS})
    monkeypatch.setattr(Environment, "load", lambda _: up)
    monkeypatch.setattr(command, "REPOSITORY", tmp_path)
    monkeypatch.setattr(command, "PLOTS", tmp_path / ".build/spark-advice")
    return store


def test_the_command_prints_a_table_a_reason_and_where_the_plot_is(
    bucket: Bucket, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number, (size, duration_s, cost) in enumerate((("small", 100, 0.001), ("large", 35, 0.004))):
        bucket.keep(run(size, duration_s, cost, minute=number), "speech", f"run-{number}")
    command.main("speech", "words")
    told = capsys.readouterr().out
    assert "Per hour of audio" in told
    assert "Recommended: small. Why: its product" in told
    assert "Plot: .build/spark-advice/speech.words.png" in told
    assert (tmp_path / ".build/spark-advice/speech.words.png").exists()
    command.main("speech", "words", deadline=40)
    assert "Recommended: large. Why: the cheapest" in capsys.readouterr().out


def test_without_records_it_says_so_and_fails(bucket: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main("speech", "words")
    assert caught.value.code == 1
    assert "no run of task 'words' of DAG 'speech' is recorded" in capsys.readouterr().out


def test_an_environment_that_is_not_up_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def not_up(name: str) -> Any:
        raise NotUpError(name, "the cluster stack has no outputs")

    monkeypatch.setattr(Environment, "load", not_up)
    with pytest.raises(SystemExit):
        command.main("speech", "words", env="nowhere")
    assert "'nowhere' is not up" in capsys.readouterr().out
