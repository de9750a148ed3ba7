"""The git server image: who may push, who may fetch, and what stays."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.integration.images.containers import Docker, log_of, until
from tests.integration.images.git_server import GitServer, WorkingCopy
from tests.support.waiting import ANSWER_S

pytestmark = pytest.mark.integration


@pytest.fixture
def server(containers: Docker, built: dict[str, str], tmp_path: Path) -> GitServer:
    return GitServer(containers, built["git-server"], tmp_path / "users")


@pytest.fixture
def copy(tmp_path: Path) -> WorkingCopy:
    return WorkingCopy(tmp_path / "copy")


REFUSALS = ("403", "401", "Authentication failed", "could not read")


def allowed(copy: WorkingCopy, *words: str) -> bool:
    try:
        copy.git(*words)
    except subprocess.CalledProcessError as error:
        if not any(text in error.stderr for text in REFUSALS):
            raise AssertionError(error.stderr) from error
        return False
    return True


@pytest.mark.parametrize(
    ("user", "password", "may_fetch", "may_push"),
    [
        ("writer", None, True, True),
        ("reader", None, True, False),
        ("writer", "wrong", False, False),
        ("reader", "", False, False),
        ("stranger", "read", False, False),
        (None, None, False, False),
    ],
)
def test_rights(
    server: GitServer,
    copy: WorkingCopy,
    user: str | None,
    password: str | None,
    may_fetch: bool,
    may_push: bool,
) -> None:
    copy.commit(a="1")
    url = server.url(user, password)
    assert allowed(copy, "ls-remote", url) == may_fetch
    assert allowed(copy, "push", url, "HEAD:refs/heads/main") == may_push
    assert bool(copy.git("ls-remote", server.url("reader"))) == may_push


def test_pushing_can_not_be_smuggled_past_the_rights(server: GitServer) -> None:
    reader = httpx.Client(auth=("reader", "read"), base_url=server.base, timeout=ANSWER_S)
    for path in ("/dags.git/git-receive-pack", "/dags.git//git-receive-pack", "/dags.git/git%2dreceive-pack"):
        answer = reader.post(
            path, content=b"0000", headers={"Content-Type": "application/x-git-receive-pack-request"}
        )
        assert answer.status_code in (403, 404), path
    for path in (
        "/dags.git/HEAD",
        "/DAGS.GIT/HEAD",
        "/x/../dags.git/HEAD",
        "/dags.git/config",
        "/%64ags.git/HEAD",
    ):
        assert httpx.get(server.base + path, timeout=ANSWER_S).status_code in (401, 403, 404), path


def test_health_needs_no_password_and_nothing_else_is_served(server: GitServer) -> None:
    assert httpx.get(f"{server.base}/healthz", timeout=ANSWER_S).text == "ok\n"
    assert httpx.get(f"{server.base}/", timeout=ANSWER_S).status_code in (403, 404)
    assert (
        httpx.get(f"{server.base}/dags.git/info/refs?service=git-upload-pack", timeout=ANSWER_S).status_code
        == 401
    )
    log = log_of(server.container)
    assert "healthz" not in log
    assert "WARNING" not in log


def test_any_commit_can_be_fetched_alone(server: GitServer, copy: WorkingCopy, tmp_path: Path) -> None:
    first, _, _ = (copy.commit(a=text) for text in "123")
    copy.push(server.url("writer"))
    other = WorkingCopy(tmp_path / "other")
    other.git("fetch", "--quiet", "--depth", "1", server.url("reader"), first)
    assert other.git("show", f"{first}:a.txt") == "1"
    assert other.git("rev-list", "--count", first) == "1"


def test_history_is_neither_rewritten_nor_deleted(server: GitServer, copy: WorkingCopy) -> None:
    kept = copy.commit(a="1")
    copy.push(server.url("writer"))
    copy.git("commit", "--quiet", "--amend", "--message", "other")
    for refused in (("--force", "HEAD:refs/heads/main"), (":refs/heads/main",)):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            copy.git("push", server.url("writer"), *refused)
        assert "rejected" in caught.value.stderr
    assert copy.git("ls-remote", server.url("reader"), "refs/heads/main").split()[0] == kept


def test_repository_outlives_its_container(server: GitServer, copy: WorkingCopy) -> None:
    commit = copy.commit(a="1")
    copy.push(server.url("writer"))
    server.container.exec_run(["touch", "/srv/git/dags.git/refs/heads/main.lock"])
    server.restart()
    assert commit in copy.git("ls-remote", server.url("reader"))
    copy.commit(a="2")
    copy.push(server.url("writer"))  # the lock of a push that was cut off is gone


def test_big_push_passes(server: GitServer, copy: WorkingCopy) -> None:
    # Above git's postBuffer of 1 MiB, so that it comes in chunks of unknown number.
    (copy.folder / "big").write_bytes(os.urandom(6_000_000))
    commit = copy.commit(a="1")
    copy.push(server.url("writer"))
    assert commit in copy.git("ls-remote", server.url("reader"))


def test_no_password_is_in_the_log(server: GitServer, copy: WorkingCopy) -> None:
    copy.commit(a="1")
    copy.push(server.url("writer"))
    allowed(copy, "ls-remote", server.url("writer", "very-wrong"))
    log = log_of(server.container)
    assert "writer" in log
    assert "r'i%te" not in log
    assert "very-wrong" not in log


def test_missing_password_is_an_error_that_says_so(containers: Docker, built: dict[str, str]) -> None:
    status, output = containers.once(built["git-server"])
    assert status == 2
    assert "/etc/git-users/writer" in output


def test_push_calls_the_webhooks_and_does_not_wait_for_them(
    containers: Docker, built: dict[str, str], tmp_path: Path, copy: WorkingCopy
) -> None:
    called = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            called.set()
            self.send_response(200)
            self.end_headers()

    listener = HTTPServer(("0.0.0.0", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    containers.network.reload()
    gateway = containers.network.attrs["IPAM"]["Config"][0]["Gateway"]
    urls = f"http://192.0.2.1/unreachable http://{gateway}:{listener.server_port}/"
    server = GitServer(containers, built["git-server"], tmp_path / "users", GIT_WEBHOOK_URLS=urls)
    copy.commit(a="1")
    copy.push(server.url("writer"))
    until(called.is_set)
    listener.shutdown()
    listener.server_close()
