"""`make dags`: push `dags/`, with the digests of the images that it names, to the DAG repository."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from infra.shared.paths import REPOSITORY
from ops import images
from ops.console import console
from ops.environment import Environment, NotUpError

DAGS = REPOSITORY / "dags"
LOCK_NAME = "images.lock.json"
BRANCH = "main"
ATTEMPTS = 3
"""Pushes of two people at once: the later one goes on top of the earlier one."""

ASKPASS = """#!/bin/sh
case "$1" in Username*) echo writer ;; *) echo "$DAG_REPOSITORY_PASSWORD" ;; esac
"""


class DagsError(RuntimeError):
    """Nothing was pushed; the text says why and what to do."""


class NoRepositoryError(DagsError):
    """What answers at the address is not the DAG repository, or nothing does."""


class _RejectedError(Exception):
    """Somebody else pushed in between."""


def push(url: str, password: str, lock: Mapping[str, str], dags: Path = DAGS) -> str:
    """Make the DAG repository's `main` hold `dags` and the image lock; return its commit.

    One commit, published whole; none at all where nothing has changed. The password never stands in a URL,
    a command line or a file.

    Raises:
        DagsError: a DAG file is no Python or names an image without a digest; the server is away or refuses.
    """
    check(dags, lock)
    with tempfile.TemporaryDirectory(prefix="dags-") as scratch:
        askpass = Path(scratch) / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        repository = _Repository(url, Path(scratch) / "repository", askpass, password)
        for attempt in range(ATTEMPTS):
            try:
                return repository.publish(dags, lock)
            except _RejectedError:
                if attempt == ATTEMPTS - 1:
                    raise DagsError(f"{url}: others pushed {ATTEMPTS} times meanwhile; push again") from None
    raise AssertionError("unreachable")


def check(dags: Path, lock: Mapping[str, str]) -> None:
    """Refuse what Airflow could not read. Raises DagsError."""
    for file in sorted(dags.rglob("*.py")):
        try:
            tree = ast.parse(file.read_text(), str(file))
        except SyntaxError as error:
            where = f"{file.relative_to(dags)}:{error.lineno}"
            raise DagsError(f"{where}: {error.msg}; nothing was pushed, mend it and push again") from error
        for name in _named_images(tree):
            if name not in lock:
                place = file.relative_to(dags)
                raise DagsError(f"{place}: image {name!r} has no digest; `make images` builds and pins it")


def _named_images(tree: ast.AST) -> Iterable[str]:
    """Images named in calls as `image="..."`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "image" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


class _Repository:
    """A scratch checkout of the DAG repository."""

    def __init__(self, url: str, folder: Path, askpass: Path, password: str) -> None:
        self._url, self._folder = url, folder
        self._env = {
            **os.environ,
            "GIT_ASKPASS": str(askpass),
            "GIT_TERMINAL_PROMPT": "0",
            "DAG_REPOSITORY_PASSWORD": password,
        }

    def publish(self, dags: Path, lock: Mapping[str, str]) -> str:
        self._fetch()
        self._replace(dags, lock)
        if not self._git("status", "--porcelain"):
            return self._git("rev-parse", "HEAD")
        author = _author()
        self._git(*author, "commit", "--quiet", "--message", _message())
        self._git("push", "--quiet", "origin", f"HEAD:{BRANCH}")
        return self._git("rev-parse", "HEAD")

    def _fetch(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")
        self._git("remote", "add", "origin", self._url)
        if self._git("ls-remote", "origin", f"refs/heads/{BRANCH}"):
            self._git("fetch", "--quiet", "--depth=1", "origin", BRANCH)
            self._git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def _replace(self, dags: Path, lock: Mapping[str, str]) -> None:
        for item in self._folder.iterdir():
            if item.name != ".git":
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        shutil.copytree(
            dags, self._folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*_cache")
        )
        (self._folder / LOCK_NAME).write_text(json.dumps(dict(sorted(lock.items())), indent=1) + "\n")
        self._git("add", "--all")

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self._folder, env=self._env, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
        if "rejected" in done.stderr and "push" in arguments:
            raise _RejectedError
        if "Authentication failed" in done.stderr:
            raise DagsError(f"{self._url} refuses the writer's password; `make up` heals that")
        raise NoRepositoryError(
            f"{self._url}: git {arguments[0]} failed: {' '.join(done.stderr.split())[-500:]}; "
            "is the environment up? `make up` heals it"
        )


def _author() -> list[str]:
    """Who commits: as git knows them here, else the platform."""
    options: list[str] = []
    for key, fallback in (("user.name", "Switchboard"), ("user.email", "switchboard@localhost")):
        found = subprocess.run(
            ["git", "config", key], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        options += ["-c", f"{key}={found.stdout.strip() or fallback}"]
    return options


def _message() -> str:
    """Which state of this checkout the DAGs come from."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"DAGs of {described.stdout.strip() or 'a folder without history'}"


def main(env: Annotated[str, typer.Option(help="the environment")] = "local") -> None:
    """Push dags/ and the image digests to ENV's DAG repository."""
    try:
        platform = Environment.load(env).platform
        commit = push(platform["git_push_url"], platform["git_writer_password"], images.pinned(env))
    except (DagsError, NotUpError, images.ImageError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    console.print(f"main is at {commit[:12]}: at {platform['airflow_url']} within seconds", markup=False)


if __name__ == "__main__":
    typer.run(main)
