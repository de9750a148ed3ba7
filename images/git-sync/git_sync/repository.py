"""The remote repository, its local copy, and the symlink that publishes one commit of it."""

import argparse
import base64
import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from git_sync.metrics import Metrics

log = logging.getLogger("git-sync")

WORKTREES = ".worktrees"
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class SyncError(RuntimeError):
    """A sync failed; the next one may well succeed."""


class EmptyRepositoryError(RuntimeError):
    """The repository has no commit yet: a state to wait in."""


def credentials(settings: argparse.Namespace) -> tuple[str, str, str]:
    """The repository's address without credentials, the user, and the password unless a file holds it."""
    parts = urlsplit(settings.repo)
    if parts.scheme not in ("http", "https") or not parts.username:
        return settings.repo, settings.username or "", settings.password
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, unquote(parts.username), unquote(parts.password or "")


class Repository:
    """The remote, its local copy under --root, and the symlink that publishes one commit of it."""

    def __init__(self, settings: argparse.Namespace, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._url, self._username, self._password = credentials(settings)
        self.root = Path(settings.root).resolve()
        self.link = self.root / (settings.link or self._url.strip("/").rsplit("/", 1)[-1])
        self._deadline = 0.0

    def published(self) -> str:
        """The published commit, or ""."""
        return self.link.readlink().name if self.link.is_symlink() else ""

    def prepare(self) -> None:
        """Make --root a repository; begin anew where what is published is not what it should be."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._deadline = time.monotonic() + self._settings.sync_timeout
        commit = self.published()
        if commit and not self._sound(commit):
            log.warning("what is published at %s is damaged; beginning anew", self.link)
            self.link.unlink()
            shutil.rmtree(self.root / ".git", ignore_errors=True)
        # What a sync that was cut off left behind
        for worktree in (self.root / WORKTREES).glob("*"):
            if worktree.name != self.published():
                shutil.rmtree(worktree)
        self._git("init", "--quiet", str(self.root))
        for lock in (self.root / ".git").rglob("*.lock"):
            lock.unlink()

    def _sound(self, commit: str) -> bool:
        worktree = self.root / WORKTREES / commit
        try:
            return (
                self._git("-C", str(worktree), "rev-parse", "HEAD") == commit
                and self._git("-C", str(worktree), "status", "--porcelain") == ""
            )
        except SyncError:
            return False

    def sync(self) -> bool:
        """Publish what --ref is now; says whether that is new. Raises SyncError, EmptyRepositoryError."""
        self._deadline = time.monotonic() + self._settings.sync_timeout
        ref, commit = self._resolve()
        before = self.published()
        if commit == before:
            self._forget_stale()
            return False
        if not self._has(commit):
            depth = [f"--depth={self._settings.depth}"] if self._settings.depth else []
            self._metrics.fetches += 1
            self._local("fetch", "--quiet", "--no-tags", "--no-auto-gc", *depth, self._url, ref)
            # The branch may have moved on since it was asked for: what was fetched is what counts.
            commit = self._local("rev-parse", "FETCH_HEAD^{commit}")
        worktree = self.root / WORKTREES / commit
        if not worktree.exists():
            self._local("worktree", "prune")
            self._local("worktree", "add", "--quiet", "--force", "--detach", str(worktree), commit)
        self._publish(worktree)
        log.info("published %s (%s), before that %s", commit, self._settings.ref, before or "nothing")
        if before and before != commit:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.root / WORKTREES / before)  # from now on it is stale
        self._forget_stale()
        return True

    def _resolve(self) -> tuple[str, str]:
        wanted = self._settings.ref
        if _HASH.fullmatch(wanted):
            return wanted, wanted
        names = (wanted, f"refs/heads/{wanted}", f"refs/tags/{wanted}^{{}}", f"refs/tags/{wanted}")
        # For those names, then for all: a first push may come in between, so the second answer counts too
        for asked in (names, ()):
            listed = self._git("ls-remote", "--quiet", self._url, *asked)
            lines = (line.partition("\t") for line in listed.splitlines())
            found = {name: commit for commit, _, name in lines}
            for name in names:
                if name in found:
                    return name.removesuffix("^{}"), found[name]
        if not listed:
            raise EmptyRepositoryError
        raise SyncError(f"{self._url} has no branch, tag or ref {wanted!r}; see --ref")

    def _has(self, commit: str) -> bool:
        try:
            self._local("cat-file", "-e", f"{commit}^{{commit}}")
        except SyncError:
            return False
        return True

    def _publish(self, worktree: Path) -> None:
        self.link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(worktree, self.link.parent))
        fresh.replace(self.link)

    def _forget_stale(self) -> None:
        current, now = self.published(), time.time()
        stale = [
            worktree
            for worktree in (self.root / WORKTREES).iterdir()
            if worktree.name != current
            and now - worktree.stat().st_mtime >= self._settings.stale_worktree_timeout
        ]
        for worktree in stale:
            shutil.rmtree(worktree)
        if stale:
            self._local("worktree", "prune")
            self._local("gc", "--quiet", "--prune=now")

    def _local(self, *words: str) -> str:
        return self._git("-C", str(self.root), *words)

    def _git(self, *words: str) -> str:
        process = subprocess.Popen(
            ["git", *words],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=max(0.1, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise SyncError(f"git {' '.join(words)}: --sync-timeout is over") from error
        finally:
            if process.poll() is None:
                # With its helpers, which would go on waiting for a server that doesn't answer.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode:
            raise SyncError(f"git {' '.join(words)}: status {process.returncode}: {stderr.strip()}")
        return stdout.strip()

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GITSYNC_")}
        # Through git's environment: in no process list and in no message of git's, and without asking twice.
        config = {
            "gc.auto": "0",
            "credential.helper": "",
            "advice.detachedHead": "false",
            "safe.directory": "*",
        }
        if self._username:
            token = base64.b64encode(f"{self._username}:{self._read_password()}".encode()).decode()
            config[f"http.{self._url}.extraHeader"] = f"Authorization: Basic {token}"
        pairs: dict[str, str] = {}
        for index, (key, value) in enumerate(config.items()):
            pairs |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        fixed = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
        }
        return {**kept, **fixed, **pairs, "GIT_CONFIG_COUNT": str(len(config))}

    def _read_password(self) -> str:
        if not self._settings.password_file:
            return self._password
        try:
            return Path(self._settings.password_file).read_text().strip()
        except OSError as error:
            raise SyncError(f"--password-file: {error}") from error
