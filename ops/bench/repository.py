"""A pipeline author's checkout of the DAG repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ops.environment import Environment


class DagRepository:
    """Clones the environment's DAG repository into a folder and pushes changes to it."""

    def __init__(self, env: Environment, folder: Path) -> None:
        self.folder = folder
        askpass = folder.parent / "askpass"
        askpass.write_text(
            '#!/bin/sh\ncase "$1" in Username*) echo writer;; *) echo "$DAG_REPOSITORY_PASSWORD";; esac\n'
        )
        askpass.chmod(0o700)
        self._env = {
            **os.environ,
            "GIT_ASKPASS": str(askpass),
            "GIT_TERMINAL_PROMPT": "0",
            "DAG_REPOSITORY_PASSWORD": env.platform["git_writer_password"],
        }
        self._git("clone", "--quiet", env.platform["git_push_url"], str(folder), cwd=folder.parent)
        self._git("config", "user.name", "Pipeline Author")
        self._git("config", "user.email", "author@example.com")

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"git {arguments[0]}: {done.stderr}")
        return done.stdout.strip()

    def push(self, message: str, files: dict[str, str | None]) -> str:
        """Write (or, for None, remove) files, commit, push; return the commit."""
        self._git("pull", "--quiet", "--rebase")
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", "HEAD:main")
        return self._git("rev-parse", "HEAD")
