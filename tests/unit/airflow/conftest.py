"""Airflow itself in a folder of its own, the image's package on the path, and a DAG repository."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.shared.paths import REPOSITORY

# Airflow reads these when it's first imported, and writes nothing outside its home.
_HOME = tempfile.mkdtemp(prefix="switchboard-airflow-")
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH=f"{_HOME}/bundles",
)
sys.path.insert(0, str(REPOSITORY / "airflow"))


class DagRepository:
    """A bare repository with commits, and git-sync's way to publish one."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.synced, self._work = folder / "dags.git", folder / "synced", folder / "work"
        self._git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(folder, "init", "--quiet", "--initial-branch=main", str(self._work))
        self.synced.mkdir()

    @property
    def url(self) -> str:
        return f"file://{self.bare}"

    @property
    def link(self) -> str:
        return str(self.synced / "current")

    def commit(self, **files: str) -> str:
        """Push a commit; `speech__hello="..."` is the file speech/hello.py."""
        for name, text in files.items():
            path = self._work / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git(self._work, "add", "--all")
        self._git(self._work, "commit", "--quiet", "--allow-empty", "--message=change")
        self._git(self._work, "push", "--quiet", "--force", self.url, "main")
        return self._git(self._work, "rev-parse", "HEAD").strip()

    def publish(self, commit: str) -> Path:
        """What git-sync does: a work tree named after its commit, then one symbolic link, at once."""
        tree = self.synced / ".worktrees" / commit
        if not tree.exists():
            tree.parent.mkdir(exist_ok=True)
            self._git(self._work, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        fresh = self.synced / ".next"
        fresh.symlink_to(Path(".worktrees") / commit)
        fresh.replace(self.link)
        return tree

    @staticmethod
    def _git(folder: Path, *words: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
        done = subprocess.run(
            ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> DagRepository:
    return DagRepository(tmp_path)


@pytest.fixture(autouse=True)
def _own_path() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
