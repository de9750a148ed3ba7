"""`make dags` against a repository in a folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ops.dag_repository import Author, DagRepository, DagsError, NoRepositoryError, RejectedError
from ops.dags import check, push

LOCK = {"asr": "localhost:5001/asr@sha256:" + "a" * 64}
DAG = 'StageOperator(task_id="asr", image="asr")\n'


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    (folder / "speech").mkdir(parents=True)
    (folder / "speech/one.py").write_text(DAG)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> str:
    folder = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    return f"file://{folder}"


def show(server: str, path: str) -> str:
    command = ["git", "--git-dir", server.removeprefix("file://"), "show", f"main:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_first_push_publishes_dags_and_lock(dags: Path, server: str) -> None:
    push(server, "unused", LOCK, dags)
    assert show(server, "speech/one.py") == DAG
    assert json.loads(show(server, "images.lock.json")) == LOCK


def test_libraries_lie_at_the_root_beside_the_folders_of_teams(
    dags: Path, server: str, tmp_path: Path
) -> None:
    library = tmp_path / "elsewhere/words"
    (library / "__pycache__").mkdir(parents=True)
    (library / "__init__.py").write_text('"""Words."""\n')
    (library / "__pycache__/__init__.pyc").write_text("")
    push(server, "unused", LOCK, dags, [library])
    assert show(server, "words/__init__.py") == '"""Words."""\n'
    with pytest.raises(subprocess.CalledProcessError):
        show(server, "words/__pycache__/__init__.pyc")
    library.rename(tmp_path / "elsewhere/speech")
    with pytest.raises(DagsError, match=r"dags/speech has the name of a library; call the folder otherwise"):
        push(server, "unused", LOCK, dags, [tmp_path / "elsewhere/speech"])


def test_a_library_that_is_no_python_is_refused(dags: Path, server: str, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/one.py").write_text("def broken(:\n")
    with pytest.raises(DagsError, match=r"one.py:1: .*nothing was pushed"):
        push(server, "unused", LOCK, dags, [tmp_path / "words"])


def test_the_operator_of_spark_tasks_is_published(dags: Path, server: str) -> None:
    push(server, "unused", LOCK, dags)
    assert "class SparkTaskOperator" in show(server, "switchboard_spark/operator.py")


def test_a_push_of_the_same_makes_no_commit(dags: Path, server: str) -> None:
    assert push(server, "unused", LOCK, dags) == push(server, "unused", LOCK, dags)


def test_another_digest_is_another_commit(dags: Path, server: str) -> None:
    first = push(server, "unused", LOCK, dags)
    assert push(server, "unused", {"asr": LOCK["asr"].replace("a" * 64, "b" * 64)}, dags) != first


def test_a_removed_file_goes(dags: Path, server: str) -> None:
    push(server, "unused", LOCK, dags)
    (dags / "speech/one.py").rename(dags / "speech/two.py")
    push(server, "unused", LOCK, dags)
    assert show(server, "speech/two.py") == DAG
    with pytest.raises(subprocess.CalledProcessError):
        show(server, "speech/one.py")


def test_a_dag_that_is_no_python_is_refused_with_its_line(dags: Path, server: str) -> None:
    (dags / "speech/one.py").write_text("x = 1\ndef broken(:\n")
    with pytest.raises(DagsError, match=r"speech/one.py:2: .*nothing was pushed"):
        push(server, "unused", LOCK, dags)


def test_an_image_without_digest_is_refused(dags: Path) -> None:
    with pytest.raises(DagsError, match=r"image 'asr' has no digest; `make images`"):
        check(dags, {})


def test_a_server_that_is_away_is_named(dags: Path, tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError, match=r"nowhere.*make up"):
        push(f"file://{tmp_path}/nowhere.git", "unused", LOCK, dags)


def test_an_author_changes_files_on_top_of_what_others_pushed(server: str, tmp_path: Path) -> None:
    author = Author("A", "a@localhost")
    mine = DagRepository(server, "unused", tmp_path / "mine")
    first = mine.change("Add", {"speech/a.py": "1\n", "speech/b.py": "1\n"}, author)
    DagRepository(server, "unused", tmp_path / "theirs").change("Change", {"speech/a.py": "2\n"}, author)
    assert mine.change("Remove", {"speech/b.py": None}, author) != first
    assert show(server, "speech/a.py") == "2\n"
    with pytest.raises(subprocess.CalledProcessError):
        show(server, "speech/b.py")


def test_a_push_over_anothers_is_rejected(server: str, tmp_path: Path) -> None:
    author = Author("A", "a@localhost")
    mine = DagRepository(server, "unused", tmp_path / "mine")
    mine.fetch()
    DagRepository(server, "unused", tmp_path / "theirs").change("Add", {"a.py": "2\n"}, author)
    (mine.folder / "a.py").write_text("1\n")
    with pytest.raises(RejectedError, match="somebody else pushed"):
        mine.publish("Mine", author)
