"""No result of one commit is stored as another's, and every push parses every file at once."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.cli.commands import dag_processor_command
from airflow.dag_processing.manager import DagFileInfo, DagFileProcessorManager

from switchboard_airflow import dag_processor
from switchboard_airflow.bundle import GitSyncDagBundle
from switchboard_airflow.dag_processor import WholeCommitManager, _root_of


@pytest.fixture
def bundle(repository: Any) -> GitSyncDagBundle:
    repository.publish(repository.commit(speech__one="", speech__two=""))
    made = GitSyncDagBundle(name="speech", link=repository.link, url=repository.url, folder="speech")
    made.initialize()
    return made


@pytest.fixture
def manager(bundle: GitSyncDagBundle) -> WholeCommitManager:
    made = WholeCommitManager(max_runs=-1)
    made._dag_bundles = [bundle]
    return made


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[DagFileInfo]:
    """What the stock manager was given to store."""
    found: list[DagFileInfo] = []
    monkeypatch.setattr(
        DagFileProcessorManager, "handle_parsing_result", lambda _self, file, _proc, **_: found.append(file)
    )
    return found


def version_of(bundle: GitSyncDagBundle) -> str:
    current = bundle.get_current_version()
    assert current is not None
    return current.version


def file_of(bundle: GitSyncDagBundle, name: str = "one.py") -> DagFileInfo:
    return DagFileInfo(rel_path=Path(name), bundle_name="speech", bundle_path=bundle.path)


def process(*, had_callbacks: bool = False) -> Any:
    return SimpleNamespace(had_callbacks=had_callbacks)


def test_a_result_of_the_current_commit_is_stored(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, stored: list[DagFileInfo]
) -> None:
    manager.handle_parsing_result(file_of(bundle), process())
    assert stored == [file_of(bundle)]
    assert not manager._file_queue


def test_a_result_of_the_commit_before_is_thrown_away_and_parsed_anew(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, repository: Any, stored: list[DagFileInfo]
) -> None:
    parsed = file_of(bundle)
    repository.publish(repository.commit(speech__one="changed"))
    bundle.refresh()
    manager.handle_parsing_result(parsed, process())
    assert stored == []
    assert [file.bundle_path for file in manager._file_queue] == [bundle.path]


def test_what_a_callback_did_is_never_thrown_away(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, repository: Any, stored: list[DagFileInfo]
) -> None:
    parsed = file_of(bundle)
    repository.publish(repository.commit(speech__one="changed"))
    bundle.refresh()
    manager.handle_parsing_result(parsed, process(had_callbacks=True))
    assert stored == [parsed]


def test_a_push_puts_every_file_in_front_by_its_new_path(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager._add_files_to_queue([file_of(bundle, "two.py")], mode="back")
    known = {"speech": {file_of(bundle)}}

    def refreshed(self: WholeCommitManager, known_files: dict[str, set[DagFileInfo]]) -> None:
        repository.publish(repository.commit(speech__one="changed"))
        bundle.refresh()
        self._bundle_versions["speech"] = version_of(bundle)
        known_files["speech"] = {file_of(bundle), file_of(bundle, "two.py")}

    monkeypatch.setattr(DagFileProcessorManager, "_refresh_dag_bundles", refreshed)
    manager._refresh_dag_bundles(known)
    assert {file.bundle_path for file in manager._file_queue} == {bundle.path}
    assert {str(file.rel_path) for file in manager._file_queue} == {"one.py", "two.py"}


def test_nothing_is_queued_while_the_commit_stays(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DagFileProcessorManager, "_refresh_dag_bundles", lambda *_, **__: None)
    manager._bundle_versions["speech"] = version_of(bundle)
    manager._refresh_dag_bundles({"speech": {file_of(bundle)}})
    assert not manager._file_queue


def test_before_the_first_commit_it_waits_and_says_so_once(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[int] = []
    monkeypatch.setattr(DagFileProcessorManager, "_refresh_dag_bundles", lambda *_, **__: refreshed.append(1))
    manager, lines = WholeCommitManager(max_runs=-1), list[str]()
    monkeypatch.setattr(WholeCommitManager, "log", SimpleNamespace(info=lambda text, *_: lines.append(text)))
    manager._dag_bundles = [
        GitSyncDagBundle(name="speech", link=repository.link, url=repository.url, folder="speech")
    ]
    for _ in range(3):
        manager._refresh_dag_bundles({})
    assert (refreshed, len(lines)) == ([], 1)
    repository.publish(repository.commit(speech__one=""))
    manager._refresh_dag_bundles({})
    assert refreshed == [1]


@pytest.mark.parametrize(
    ("matches", "seen", "forced", "skips"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
    ],
)
def test_a_refresh_is_skipped_only_when_nothing_can_have_changed(
    manager: WholeCommitManager,
    bundle: GitSyncDagBundle,
    *,
    matches: bool,
    seen: bool,
    forced: bool,
    skips: bool,
) -> None:
    if forced:
        manager.request_bundle_refresh("speech")
    assert _skips(manager, bundle, matches=matches, seen=seen) is skips


def test_a_published_commit_is_never_skipped(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, repository: Any
) -> None:
    assert _skips(manager, bundle)
    repository.publish(repository.commit(speech__one="changed"))
    assert not _skips(manager, bundle)


def test_a_parser_imports_from_its_own_commit(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Path] = []
    monkeypatch.setattr(dag_processor, "use_root", used.append)
    monkeypatch.setattr(DagFileProcessorManager, "_create_process", lambda *_: None)
    old = replace(file_of(bundle), bundle_path=Path("/versions/abc/speech"))
    manager._create_process(old)
    assert used == [Path("/versions/abc")]


@pytest.mark.parametrize(("folder", "root"), [("speech", "/x"), ("teams/speech", "/x")])
def test_the_root_is_above_the_deployments_folder(folder: str, root: str) -> None:
    assert _root_of(Path(root) / folder, folder) == Path(root)


def test_the_command_runs_our_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Callable[..., Any], list[str]]] = []

    def run() -> None:
        runner = dag_processor_command._create_dag_processor_job_runner(
            SimpleNamespace(bundle_name=None, num_runs=1)
        )
        seen.append((type(runner.processor), list(sys.argv)))

    monkeypatch.setattr("airflow.__main__.main", run)
    monkeypatch.setattr(sys, "argv", ["x", "--num-runs", "1"])
    monkeypatch.setattr(dag_processor_command, "DagFileProcessorManager", DagFileProcessorManager)
    dag_processor.main()
    assert seen == [(WholeCommitManager, ["airflow", "dag-processor", "--num-runs", "1"])]


def _skips(
    manager: WholeCommitManager, bundle: GitSyncDagBundle, *, matches: bool = True, seen: bool = True
) -> bool:
    return manager.should_skip_refresh(
        bundle=bundle, elapsed_time_since_refresh=0, current_version_matches_db=matches, previously_seen=seen
    )
