"""A checkout of an environment's DAG repository: fetch, change the files, publish."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

BRANCH = "main"

ASKPASS = """#!/bin/sh
case "$1" in Username*) echo writer ;; *) echo "$DAG_REPOSITORY_PASSWORD" ;; esac
"""


class DagsError(RuntimeError):
    """Nothing was pushed; the text says why and what to do."""


class NoRepositoryError(DagsError):
    """What answers at the address is not the DAG repository, or nothing does."""


class RejectedError(DagsError):
    """Somebody else pushed in between."""


class Author(NamedTuple):
    """Who commits."""

    name: str
    email: str


class DagRepository:
    """The branch that Airflow reads, checked out into a folder.

    The password never stands in a URL, a command line or a file.
    """

    def __init__(self, url: str, password: str, folder: Path) -> None:
        self.folder = folder
        self._url = url
        askpass = folder.parent / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        self._env = {
            **os.environ,
            "GIT_ASKPASS": str(askpass),
            "GIT_TERMINAL_PROMPT": "0",
            "DAG_REPOSITORY_PASSWORD": password,
        }

    def fetch(self) -> None:
        """Make the folder hold what the branch holds now, and nothing else.

        Raises:
            DagsError: the server is away, or refuses the password.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")
        self._git("remote", "add", "origin", self._url)
        if self._git("ls-remote", "origin", f"refs/heads/{BRANCH}"):
            self._git("fetch", "--quiet", "--depth=1", "origin", BRANCH)
            self._git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def publish(self, message: str, author: Author) -> str:
        """Commit the folder as it is, push, and answer the commit: the old one where nothing has changed.

        Raises:
            RejectedError: somebody else pushed since `fetch`.
            DagsError: the server is away, or refuses the password.
        """
        self._git("add", "--all")
        if self._git("status", "--porcelain"):
            who = ("-c", f"user.name={author.name}", "-c", f"user.email={author.email}")
            self._git(*who, "commit", "--quiet", "--message", message)
            self._git("push", "--quiet", "origin", f"HEAD:{BRANCH}")
        return self._git("rev-parse", "HEAD")

    def change(self, message: str, files: Mapping[str, str | None], author: Author) -> str:
        """Fetch, write files (None: remove them) and publish; answers the commit. Raises as those do."""
        self.fetch()
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return self.publish(message, author)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self._env, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
        if "rejected" in done.stderr and "push" in arguments:
            raise RejectedError(f"{self._url}: somebody else pushed meanwhile; push again")
        if "Authentication failed" in done.stderr:
            raise DagsError(f"{self._url} refuses the writer's password; `make up` heals that")
        raise NoRepositoryError(
            f"{self._url}: git {arguments[0]} failed: {' '.join(done.stderr.split())[-500:]}; "
            "is the environment up? `make up` heals it"
        )
