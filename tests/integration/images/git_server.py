"""A git server in a container, and a working copy that talks to it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

from docker.models.containers import Container

from tests.integration.images.containers import Docker, address, log_of, until

PASSWORDS = {"writer": "w: \"r'i%te", "reader": "read"}


class GitServer:
    """The git server image on a volume; `restart` puts a new container on the same volume."""

    def __init__(self, containers: Docker, image: str, users: Path, **environment: str) -> None:
        self._containers, self._image, self._users = containers, image, users
        self._environment, self._volume = environment, containers.volume()
        users.mkdir(mode=0o755)
        for user, password in PASSWORDS.items():
            (users / user).write_text(password + "\n")
        self.container = self._start()

    def _start(self) -> Container:
        container = self._containers.start(
            self._image,
            environment=self._environment,
            ports={"8080/tcp": ("127.0.0.1", None)},
            volumes={
                self._volume: {"bind": "/srv/git", "mode": "rw"},
                str(self._users): {"bind": "/etc/git-users", "mode": "ro"},
            },
        )
        until(lambda: "server started" in log_of(container))
        return container

    def restart(self) -> None:
        """A new container on the same volume."""
        self.container.stop(timeout=20)
        self.container = self._start()

    @property
    def base(self) -> str:
        """The server's address for the host, without a path."""
        return f"http://{address(self.container, 8080)}"

    @property
    def internal_url(self) -> str:
        """The repository's address for other containers of the network."""
        return f"http://{self.container.short_id}:8080/dags.git"

    def url(self, user: str | None, password: str | None = None) -> str:
        """The repository's address for the host, with a user's name and password in it."""
        if user is None:
            return f"{self.base}/dags.git"
        secret = quote(PASSWORDS.get(user, "") if password is None else password, safe="")
        return f"http://{user}:{secret}@{self.base.removeprefix('http://')}/dags.git"


class WorkingCopy:
    """A repository of the host's, for pushing from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *words: str) -> str:
        """Run git there; gives its stdout. Raises CalledProcessError."""
        identity = (
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.test",
            "-c",
            "commit.gpgsign=false",
        )
        plain = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(
            ["git", *identity, *words],
            cwd=self.folder,
            env=plain,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """Commit files, by name without `.txt` and content; gives the commit."""
        for name, content in files.items():
            (self.folder / f"{name}.txt").write_text(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def push(self, url: str, *more: str) -> None:
        """Push the current branch. Raises CalledProcessError."""
        self.git("push", "--quiet", url, *(more or ("HEAD:refs/heads/main",)))
