"""Fetch exactly one commit of a repository, without its history."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""A whole object name, SHA-1 or SHA-256: never a branch, which would move."""

FETCH_TIMEOUT = timedelta(seconds=60)
"""One attempt. A DAG repository's tip is a few hundred KiB; longer means that the server hangs."""

GIVE_UP_AFTER = timedelta(seconds=90)
"""A git server that is just being replaced is back within this."""


class CheckoutError(RuntimeError):
    """A commit can't be had. The text names the repository, the commit, git's own words and the remedy."""

    def __init__(self, repository: str, commit: str, said: str) -> None:
        super().__init__(
            f"commit {commit} of {repository} can't be fetched: {said.strip() or 'git said nothing'}. "
            "Is it still on a branch there (a forced push removes it), and does the reader's password fit?"
        )


class UnreachableError(CheckoutError):
    """The same, for a reason that may pass."""


@dataclass(frozen=True)
class Repository:
    """Where the DAGs come from, and how to read them."""

    url: str
    username: str = ""
    password_file: Path | None = None

    def environment(self) -> dict[str, str]:
        """What git needs to log in: a header in its environment, which neither `ps` nor a log nor an
        error shows.
        """
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": tempfile.gettempdir()}
        if self.password_file is None:
            return quiet
        password = self.password_file.read_text(encoding="utf-8").strip()
        login = base64.b64encode(f"{self.username}:{password}".encode()).decode()
        return quiet | {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
        }


def check_out(repository: Repository, commit: str, target: Path) -> None:
    """Have the commit's files in `target`, which appears whole or not at all; does nothing where it exists.

    Raises:
        CheckoutError: the server doesn't have the commit, refuses us, or stayed away for GIVE_UP_AFTER.
    """
    if target.exists():
        return
    if not COMMIT.fullmatch(commit):
        raise CheckoutError(repository.url, commit, "it's no full commit id")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{commit[:12]}-", dir=target.parent))
    try:
        _fetch(repository, commit, scratch)
        scratch.rename(target)
    except OSError:
        if not target.exists():  # else: another process was first, and has the same files
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@retry(
    retry=retry_if_exception_type(UnreachableError),
    stop=stop_after_delay(GIVE_UP_AFTER.total_seconds()),
    wait=wait_exponential(multiplier=0.5, max=10),
    reraise=True,
)
def _fetch(repository: Repository, commit: str, folder: Path) -> None:
    env = {**os.environ, **repository.environment()}
    steps: tuple[Sequence[str], ...] = (
        ("init", "--quiet", "--template="),
        ("fetch", "--quiet", "--depth=1", "--no-tags", repository.url, commit),
        ("-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "FETCH_HEAD"),
    )
    for step in steps:
        try:
            done = subprocess.run(
                ["git", *step],
                cwd=folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=FETCH_TIMEOUT.total_seconds(),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(repository.url, commit, f"no answer within {error.timeout} s") from error
        if done.returncode != 0:
            raise _worded(repository, commit, done.stderr)


def _worded(repository: Repository, commit: str, said: str) -> CheckoutError:
    final = (
        "not our ref",
        "Authentication failed",
        "could not read Username",
        "not found",
        "unadvertised object",
    )
    kind = CheckoutError if any(words in said for words in final) else UnreachableError
    return kind(repository.url, commit, said)
