"""`make dags`: push `dags/`, with the libraries and the digests of the images that it names, to the DAG
repository.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from infra.shared.paths import REPOSITORY
from ops import images
from ops.console import console
from ops.dag_repository import Author, DagRepository, DagsError, RejectedError
from ops.environment import Environment, NotUpError

DAGS = REPOSITORY / "dags"
LIBRARIES = (REPOSITORY / "spark/switchboard_spark",)
"""Packages that DAGs import and that live elsewhere, because an image has them too. They go to the root of
the DAG repository, beside `switchboard`: it is on `sys.path` wherever DAGs are read.
"""
LOCK_NAME = "images.lock.json"
ATTEMPTS = 3
"""Pushes of two people at once: the later one goes on top of the earlier one."""


def push(
    url: str,
    password: str,
    lock: Mapping[str, str],
    dags: Path = DAGS,
    libraries: Sequence[Path] = LIBRARIES,
) -> str:
    """Make the DAG repository's `main` hold `dags`, `libraries` and the image lock; return its commit.

    One commit, published whole; none at all where nothing has changed.

    Raises:
        DagsError: a DAG file is no Python or names an image without a digest; a folder of `dags` has the name
        of a library; the server is away or refuses.
    """
    for folder in (dags, *libraries):
        check(folder, lock)
    with tempfile.TemporaryDirectory(prefix="dags-") as scratch:
        repository = DagRepository(url, password, Path(scratch) / "repository")
        for _ in range(ATTEMPTS):
            repository.fetch()
            _replace(repository.folder, dags, libraries, lock)
            with suppress(RejectedError):
                return repository.publish(_message(), _author())
    raise DagsError(f"{url}: others pushed {ATTEMPTS} times meanwhile; push again")


def _replace(folder: Path, dags: Path, libraries: Iterable[Path], lock: Mapping[str, str]) -> None:
    """Make a checkout hold the DAGs, the libraries and the lock, and nothing else."""
    for item in folder.iterdir():
        if item.name != ".git":
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    ignore = shutil.ignore_patterns("__pycache__", ".*_cache")
    shutil.copytree(dags, folder, dirs_exist_ok=True, ignore=ignore)
    for library in libraries:
        if (folder / library.name).exists():
            raise DagsError(
                f"{dags.name}/{library.name} has the name of a library; call the folder otherwise"
            )
        shutil.copytree(library, folder / library.name, ignore=ignore)
    (folder / LOCK_NAME).write_text(json.dumps(dict(sorted(lock.items())), indent=1) + "\n")


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


def _author() -> Author:
    """Who commits: as git knows them here, else the platform."""
    return Author(
        _git("config", "user.name") or "Switchboard", _git("config", "user.email") or "switchboard@localhost"
    )


def _message() -> str:
    """Which state of this checkout the DAGs come from."""
    return f"DAGs of {_git('describe', '--always', '--dirty') or 'a folder without history'}"


def _git(*arguments: str) -> str:
    """What git says of this checkout; nothing where it knows nothing."""
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main(env: Annotated[str, typer.Option(help="the environment")] = "local") -> None:
    """Push dags/, the libraries and the image digests to ENV's DAG repository."""
    try:
        platform = Environment.load(env).platform
        commit = push(platform["git_push_url"], platform["git_writer_password"], images.pinned(env))
    except (DagsError, NotUpError, images.ImageError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        sys.exit(1)
    console.print(f"main is at {commit[:12]}: at {platform['airflow_url']} within seconds", markup=False)


if __name__ == "__main__":
    typer.run(main)
