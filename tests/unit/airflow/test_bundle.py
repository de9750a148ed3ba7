"""The DAG bundle on real repositories: what git-sync published for parsing, exactly one commit for a task."""

import base64
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from switchboard_airflow import checkout
from switchboard_airflow.bundle import GitSyncDagBundle, NoCommitYetError, use_root
from switchboard_airflow.checkout import CheckoutError, Repository, check_out


def make(repository: Any, version: str | None = None) -> GitSyncDagBundle:
    return GitSyncDagBundle(
        name="speech", version=version, link=repository.link, url=repository.url, folder="speech"
    )


def version_of(bundle: GitSyncDagBundle) -> str:
    current = bundle.get_current_version()
    assert current is not None
    return current.version


def test_parsing_follows_the_published_commit(repository: Any) -> None:
    first = repository.commit(speech__hello="print(1)")
    repository.publish(first)
    bundle = make(repository)
    bundle.initialize()
    assert version_of(bundle) == first
    assert (bundle.path / "hello.py").read_text() == "print(1)"
    second = repository.commit(speech__hello="print(2)")
    assert not bundle.is_outdated()
    repository.publish(second)
    assert bundle.is_outdated()
    assert (bundle.path / "hello.py").read_text() == "print(1)", "the commit moves with refresh alone"
    bundle.refresh()
    assert version_of(bundle) == second
    assert not bundle.is_outdated()
    assert (bundle.path / "hello.py").read_text() == "print(2)"


def test_a_task_gets_its_own_commit_whatever_came_later(repository: Any) -> None:
    first = repository.commit(speech__hello="print(1)", switchboard__shared="X = 1")
    repository.commit(speech__hello="print(2)", switchboard__shared="X = 2")
    bundle = make(repository, version=first)
    bundle.initialize()
    assert (bundle.path / "hello.py").read_text() == "print(1)"
    assert sys.path[0] == str(bundle.path.parent)
    assert (Path(sys.path[0]) / "switchboard/shared.py").read_text() == "X = 1"


def test_a_checkout_has_no_history(repository: Any) -> None:
    for number in range(3):
        commit = repository.commit(speech__hello=f"print({number})")
    bundle = make(repository, version=commit)
    bundle.initialize()
    count = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=bundle.path, capture_output=True, text=True, check=True
    )
    assert count.stdout.strip() == "1"


def test_a_commit_that_is_gone_is_a_clear_error(repository: Any) -> None:
    repository.commit(speech__hello="")
    with pytest.raises(CheckoutError, match=r"(?s)commit a{40} of file://.*can't be fetched.*forced push"):
        make(repository, version="a" * 40).initialize()


@pytest.mark.parametrize("version", ["main", "HEAD", "--upload-pack=x", "abc123"])
def test_only_a_whole_commit_id_is_fetched(repository: Any, version: str, tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match="no full commit id"):
        check_out(Repository(repository.url), version, tmp_path / "target")


def test_an_unreachable_server_is_asked_again_before_giving_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []
    monkeypatch.setattr(checkout._fetch.retry, "stop", lambda state: state.attempt_number >= 3)
    monkeypatch.setattr(checkout._fetch.retry, "sleep", lambda _: attempts.append("slept"))
    # A port that nobody listens on.
    with pytest.raises(checkout.UnreachableError):
        check_out(Repository("http://127.0.0.1:9/dags.git"), "a" * 40, tmp_path / "x/target")
    assert len(attempts) == 2
    assert list((tmp_path / "x").iterdir()) == [], "no half of a checkout stays"


def test_many_at_once_share_one_checkout(repository: Any, tmp_path: Path) -> None:
    commit = repository.commit(speech__hello="print(1)")
    target, failures = tmp_path / "versions" / commit, []

    def run() -> None:
        try:
            check_out(Repository(repository.url), commit, target)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [path.name for path in target.parent.iterdir()] == [commit]


def test_the_password_is_in_gits_environment_alone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hush\n")
    repository = Repository("http://git/dags.git", "reader", file)
    environment = repository.environment()
    assert environment["GIT_CONFIG_KEY_0"] == "http.http://git/dags.git.extraHeader"
    encoded = environment["GIT_CONFIG_VALUE_0"].removeprefix("Authorization: Basic ")
    assert base64.b64decode(encoded) == b"reader:hush"
    assert "hush" not in f"{repository} {CheckoutError(repository.url, 'a' * 40, 'no')}"


def test_before_the_first_commit_it_refuses_to_start_and_says_so(repository: Any) -> None:
    bundle = make(repository)
    with pytest.raises(NoCommitYetError, match="make dags"):
        bundle.initialize()
    assert not bundle.is_there()
    assert bundle.get_current_version() is None
    assert not bundle.is_outdated()
    repository.publish(repository.commit(speech__hello=""))
    assert bundle.is_there()


def test_a_link_that_is_no_work_tree_is_not_followed(repository: Any) -> None:
    commit = repository.commit(speech__hello="")
    repository.publish(commit)
    bundle = make(repository)
    bundle.initialize()
    (repository.synced / "elsewhere").mkdir()
    Path(repository.link).unlink()
    Path(repository.link).symlink_to("elsewhere")
    assert not bundle.is_outdated()
    bundle.refresh()
    assert version_of(bundle) == commit


def test_one_process_imports_from_one_commit_at_a_time(tmp_path: Path) -> None:
    before = list(sys.path)
    use_root(tmp_path / "a")
    use_root(tmp_path / "b")
    assert sys.path == [str(tmp_path / "b"), *before]
