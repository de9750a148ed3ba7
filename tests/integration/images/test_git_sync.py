"""The git-sync stand-in against the git server: whole commits, soon after the push, patient with trouble."""

from __future__ import annotations

import functools
import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from docker.models.containers import Container

from tests.integration.images.containers import Docker, address, log_of, run_in, until
from tests.integration.images.git_server import PASSWORDS, GitServer, WorkingCopy
from tests.support.waiting import ANSWER_S

pytestmark = pytest.mark.integration


@pytest.fixture
def server(containers: Docker, built: dict[str, str], tmp_path: Path) -> GitServer:
    return GitServer(containers, built["git-server"], tmp_path / "users")


@pytest.fixture
def copy(tmp_path: Path) -> WorkingCopy:
    return WorkingCopy(tmp_path / "copy")


class Sync:
    """Starts git-sync containers for one server, with one password file."""

    def __init__(self, containers: Docker, image: str, server: GitServer, folder: Path) -> None:
        self._containers, self._image, self._server = containers, image, server
        folder.mkdir()
        self.password = folder / "password"
        self.password.write_text(PASSWORDS["reader"] + "\n")
        self.volume = containers.volume()

    def options(self, **more: Any) -> dict[str, Any]:
        return {
            "ports": {"1234/tcp": ("127.0.0.1", None)},
            "volumes": {
                str(self.password.parent): {"bind": "/etc/git-secret", "mode": "ro"},
                self.volume: {"bind": "/git", "mode": "rw"},
            },
            **more,
        }

    def flags(self, *more: str) -> tuple[str, ...]:
        fixed = (
            "--root=/git/root",
            "--link=current",
            "--username=reader",
            "--password-file=/etc/git-secret/password",
        )
        http = ("--http-bind=:1234", "--http-metrics", "--period=500ms", "--max-failures=-1")
        return (f"--repo={self._server.internal_url}", "--ref=main", *fixed, *http, *more)

    def prepare(self) -> None:
        mount = {self.volume: {"bind": "/git", "mode": "rw"}}
        owned = self._containers.once(
            self._image, "10001", "/git", entrypoint="chown", user="0", cap_drop=[], volumes=mount
        )
        assert owned == (0, "")

    def start(self, *more: str, **options: Any) -> Container:
        self.prepare()
        return self._containers.start(self._image, *self.flags(*more), **self.options(**options))

    def once(self, *more: str, **options: Any) -> tuple[int, str]:
        self.prepare()
        return self._containers.once(self._image, *self.flags("--one-time", *more), **self.options(**options))


@pytest.fixture
def sync(containers: Docker, built: dict[str, str], server: GitServer, tmp_path: Path) -> Sync:
    return Sync(containers, built["git-sync"], server, tmp_path / "secret")


def published(container: Container) -> str:
    status, output = run_in(container, "readlink", "/git/root/current")
    return output.strip().rsplit("/", 1)[-1] if status == 0 else ""


def is_published(container: Container, commit: str) -> bool:
    return published(container) == commit


def metrics(container: Container) -> dict[str, float]:
    text = httpx.get(f"http://{address(container, 1234)}/metrics", timeout=ANSWER_S).text
    return {key: float(value) for key, value in re.findall(r"^(\w+(?:{.*})?) (\S+)$", text, re.MULTILINE)}


def ready(container: Container) -> int:
    return httpx.get(f"http://{address(container, 1234)}/", timeout=ANSWER_S).status_code


def test_a_push_is_published_and_what_was_before_goes(
    server: GitServer, copy: WorkingCopy, sync: Sync
) -> None:
    first = copy.commit(a="1")
    copy.push(server.url("writer"))
    container = sync.start("--touch-file=touched")
    until(lambda: published(container) == first)
    assert run_in(container, "cat", "/git/root/current/a.txt")[1] == "1"
    second = copy.commit(a="2", b="new")
    copy.push(server.url("writer"))
    until(lambda: published(container) == second)
    assert run_in(container, "cat", "/git/root/current/a.txt", "/git/root/current/b.txt")[1] == "2new"
    assert run_in(container, "ls", "/git/root/.worktrees")[1].split() == [second]
    assert run_in(container, "test", "-e", "/git/root/touched")[0] == 0
    depth = run_in(
        container, "git", "-c", "safe.directory=*", "-C", "/git/root/current", "rev-list", "--count", "HEAD"
    )
    assert depth == (0, "1\n")
    seen = metrics(container)
    assert seen['git_sync_count_total{status="success"}'] == 2
    assert seen["git_fetch_count_total"] == 2
    until(lambda: metrics(container).get('git_sync_count_total{status="noop"}', 0) > 1)
    assert 'git_sync_duration_seconds_sum{status="success"}' in seen


READER = """
import os, sys, time
seen = set()
print("reading", flush=True)
while not os.path.exists("/git/stop"):
    try:
        folder = os.open("/git/root/current", os.O_RDONLY)
    except FileNotFoundError:
        sys.exit("no link")
    values = set()
    for number in range(20):
        with open(os.open(f"f{number}.txt", os.O_RDONLY, dir_fd=folder)) as file:
            values.add(file.read())
    os.close(folder)
    if len(values) != 1:
        sys.exit(f"half a commit: {values}")
    seen |= values
print("saw", len(seen))
"""


def test_publication_is_atomic(
    server: GitServer, copy: WorkingCopy, sync: Sync, containers: Docker, built: dict[str, str]
) -> None:
    copy.commit(**{f"f{number}": "0" for number in range(20)})
    copy.push(server.url("writer"))
    container = sync.start("--period=50ms", "--stale-worktree-timeout=1m")
    until(lambda: published(container))
    reader = containers.start(
        built["base"], "python", "-c", READER, volumes={sync.volume: {"bind": "/git", "mode": "rw"}}
    )
    until(lambda: "reading" in log_of(reader))
    for round_ in range(1, 6):
        commit = copy.commit(**{f"f{number}": str(round_) for number in range(20)})
        copy.push(server.url("writer"))
        until(functools.partial(is_published, container, commit))
    run_in(container, "touch", "/git/stop")
    assert reader.wait(timeout=60)["StatusCode"] == 0, log_of(reader)
    assert "saw 6" in log_of(reader)


def test_empty_repository_is_waited_for(server: GitServer, copy: WorkingCopy, sync: Sync) -> None:
    container = sync.start("--max-failures=0")
    until(lambda: "is empty" in log_of(container))
    assert ready(container) == 503
    time.sleep(1.5)
    container.reload()
    assert container.status == "running"
    commit = copy.commit(a="1")
    copy.push(server.url("writer"))
    until(lambda: published(container) == commit)
    until(lambda: ready(container) == 200)
    assert 'git_sync_count_total{status="error"}' not in metrics(container)


def test_wrong_password_backs_off_and_heals_with_the_right_one(
    server: GitServer, copy: WorkingCopy, sync: Sync
) -> None:
    commit = copy.commit(a="1")
    copy.push(server.url("writer"))
    sync.password.write_text("wrong\n")
    container = sync.start("--period=100ms")
    until(lambda: "(4 in a row)" in log_of(container))
    log = bytes(container.logs(timestamps=True)).decode()
    times = [
        float(minutes) * 60 + float(seconds)
        for minutes, seconds in re.findall(r"T\d+:(\d+):([\d.]+)Z .*in a row", log)
    ]
    waits = [later - sooner for sooner, later in itertools.pairwise(times)]
    # The server takes its time over each wrong password: only the least is ours to promise.
    assert waits[0] > 0.5
    assert waits[2] > 2
    assert "wrong" not in log
    assert ready(container) == 503
    sync.password.write_text(PASSWORDS["reader"])
    until(lambda: published(container) == commit)


def test_signal_syncs_at_once(server: GitServer, copy: WorkingCopy, sync: Sync) -> None:
    copy.commit(a="1")
    copy.push(server.url("writer"))
    container = sync.start("--period=1h", "--sync-on-signal=SIGHUP")
    until(lambda: published(container))
    commit = copy.commit(a="2")
    copy.push(server.url("writer"))
    container.kill("SIGHUP")
    until(lambda: published(container) == commit)


def test_one_time_fetches_exactly_one_commit_and_ends(
    server: GitServer, copy: WorkingCopy, sync: Sync
) -> None:
    wanted = copy.commit(a="1")
    copy.commit(a="2")
    copy.push(server.url("writer"))
    status, log = sync.once(f"--ref={wanted}")
    assert status == 0, log
    assert wanted in log
    again, _ = sync.once(f"--ref={wanted}")
    assert again == 0


def test_one_time_gives_up_and_names_the_remedy(server: GitServer, copy: WorkingCopy, sync: Sync) -> None:
    copy.commit(a="1")
    copy.push(server.url("writer"))
    status, log = sync.once("--ref=nosuch", "--max-failures=1")
    assert status == 1
    assert "no branch, tag or ref 'nosuch'" in log
    assert "--max-failures" in log


def test_environment_names_are_the_official_ones(
    server: GitServer, copy: WorkingCopy, containers: Docker, built: dict[str, str]
) -> None:
    copy.commit(a="1")
    copy.push(server.url("writer"))
    environment = {
        "GITSYNC_REPO": server.internal_url,
        "GITSYNC_REF": "main",
        "GITSYNC_ROOT": "/tmp/git",
        "GITSYNC_ONE_TIME": "true",
        "GITSYNC_USERNAME": "reader",
        "GITSYNC_PASSWORD": PASSWORDS["reader"],
    }
    status, log = containers.once(built["git-sync"], environment=environment)
    assert status == 0, log
    assert PASSWORDS["reader"] not in log.replace("already", "")


@pytest.fixture
def resting(server: GitServer, copy: WorkingCopy, sync: Sync) -> Iterator[Container]:
    copy.commit(a="1")
    copy.push(server.url("writer"))
    container = sync.start("--period=5s")
    until(lambda: published(container))
    yield container
    container.stop(timeout=5)
    container.reload()
    assert container.attrs["State"]["ExitCode"] in (0, 143)


def test_rest_costs_next_to_nothing(resting: Container) -> None:
    def stats() -> dict[str, Any]:
        return cast("dict[str, Any]", resting.stats(stream=False))

    def cpu_s() -> float:
        return float(stats()["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    started, before = time.monotonic(), cpu_s()
    time.sleep(10.5)  # two periods
    share = (cpu_s() - before) / (time.monotonic() - started)
    # One core's share; 1 % is the promise, the rest is for a busy machine.
    assert share < 0.015
    assert stats()["memory_stats"]["usage"] < 64 * 2**20


def test_damaged_checkout_is_made_again_after_a_restart(
    server: GitServer, copy: WorkingCopy, sync: Sync
) -> None:
    commit = copy.commit(a="1")
    copy.push(server.url("writer"))
    container = sync.start()
    until(lambda: published(container) == commit)
    run_in(container, "sh", "-c", f"rm /git/root/.worktrees/{commit}/a.txt")
    container.kill("SIGKILL")
    again = sync.start()
    until(lambda: published(again) == commit and run_in(again, "cat", "/git/root/current/a.txt") == (0, "1"))
