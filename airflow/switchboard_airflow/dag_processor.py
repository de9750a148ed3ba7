"""`airflow dag-processor`, where a commit is published whole and at once.

Airflow 3.3 decides by file times what to parse again, and stores what a parser found under the bundle's
newest version, even if that parser read the version before. Both lose the race against a push: a file can
stay old for a whole parse interval, and a run can be made from one commit's graph and another's code. Here
a new commit puts all its files in front of the queue, and what was parsed from any other commit is thrown
away.

Run as `python -m switchboard_airflow.dag_processor`: it takes the arguments of `airflow dag-processor`.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow.cli.commands import dag_processor_command
from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.dag_processing.manager import DagFileInfo, DagFileProcessorManager
from airflow.dag_processing.processor import DagFileProcessorProcess

from switchboard_airflow.bundle import GitSyncDagBundle, use_root


class WholeCommitManager(DagFileProcessorManager):
    """Airflow's manager, made exact about commits."""

    _said_that_it_waits = False

    def should_skip_refresh(
        self,
        *,
        bundle: BaseDagBundle,
        elapsed_time_since_refresh: float,
        current_version_matches_db: bool,
        previously_seen: bool,
    ) -> bool:
        """Nothing to do until git-sync's link moves: the check writes no row and no log line."""
        if not isinstance(bundle, GitSyncDagBundle):
            return super().should_skip_refresh(
                bundle=bundle,
                elapsed_time_since_refresh=elapsed_time_since_refresh,
                current_version_matches_db=current_version_matches_db,
                previously_seen=previously_seen,
            )
        forced = bundle.name in self._force_refresh_bundles
        return previously_seen and current_version_matches_db and not forced and not bundle.is_outdated()

    def _refresh_dag_bundles(self, known_files: dict[str, set[DagFileInfo]]) -> None:
        if not self._all_published():
            return
        before = dict(self._bundle_versions)
        super()._refresh_dag_bundles(known_files=known_files)
        for name, version in self._bundle_versions.items():
            if version != before.get(name):
                # "frontprio" also replaces queued files of the last commit, whose paths are about to go.
                self._add_files_to_queue(sorted(known_files.get(name, ()), key=_by_path), mode="frontprio")

    def _all_published(self) -> bool:
        """Before the first commit there's nothing to do, and one line says so."""
        missing = [b for b in self._dag_bundles if isinstance(b, GitSyncDagBundle) and not b.is_there()]
        for bundle in missing if not self._said_that_it_waits else ():
            self.log.info("Waiting for git-sync to publish the first commit at %s", bundle.link)
        self._said_that_it_waits = bool(missing)
        return not missing

    def _create_process(self, dag_file: DagFileInfo) -> DagFileProcessorProcess:
        if dag_file.bundle_path is not None:
            bundle = self._bundle(dag_file.bundle_name)
            if bundle is not None:
                use_root(
                    _root_of(dag_file.bundle_path, bundle.folder)
                )  # the parser is a fork: it imports from its commit
        return super()._create_process(dag_file)

    def handle_parsing_result(self, file: DagFileInfo, proc: DagFileProcessorProcess, **kwargs: Any) -> None:
        """Store what was parsed, unless a newer commit came meanwhile: then parse that one's file."""
        bundle = self._bundle(file.bundle_name)
        if bundle is None or proc.had_callbacks or file.bundle_path == bundle.path:
            super().handle_parsing_result(file, proc, **kwargs)
            return
        self.log.info(
            "Throwing away what %s of %s said: the bundle has moved on", file.rel_path, file.bundle_path
        )
        self._add_files_to_queue([replace(file, bundle_path=bundle.path)], mode="frontprio")

    def _bundle(self, name: str) -> GitSyncDagBundle | None:
        return next(
            (b for b in self._dag_bundles if b.name == name and isinstance(b, GitSyncDagBundle)), None
        )


def _by_path(file: DagFileInfo) -> Path:
    return file.rel_path


def _root_of(bundle_path: Path, folder: str) -> Path:
    """The commit's root, from the path of the deployment's folder in it."""
    return bundle_path.parents[len(Path(folder).parts) - 1]


def main() -> None:
    """The stock command, with our manager: the command has no setting for its class."""
    from airflow.__main__ import main as airflow_main

    vars(dag_processor_command)["DagFileProcessorManager"] = WholeCommitManager
    sys.argv[:1] = ["airflow", "dag-processor"]
    airflow_main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
