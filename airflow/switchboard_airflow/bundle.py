"""The DAG bundle: git-sync's published commit where DAGs are parsed, exactly the run's commit where
tasks run.
"""

import logging
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk.exceptions import AirflowException

from switchboard_airflow.checkout import COMMIT, Repository, check_out

log = logging.getLogger(__name__)


class NoCommitYetError(AirflowException):
    """git-sync hasn't published anything: the repository is empty, or it can't be reached."""


class GitSyncDagBundle(BaseDagBundle):
    """A folder of a git repository, at one commit.

    Without a version (the dag-processor), it's what git-sync published last; with one (a task, a callback),
    that commit is fetched by itself. Both put the commit's root on `sys.path`, so that DAG files import
    what all teams share.

    Args:
        link: git-sync's symbolic link, to a work tree whose name is its commit.
        url: the repository, as pods reach it.
        folder: the deployment's folder in it.
        username: who reads the repository.
        password_file: where that user's password lies.
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        link: str,
        url: str,
        folder: str,
        username: str = "",
        password_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.link = Path(link)
        self.folder = folder
        self.repository = Repository(url, username, Path(password_file) if password_file else None)
        self._root: Path | None = self.versions_dir / self.version if self.version else None

    def initialize(self) -> None:
        """Have the files ready. Raises CheckoutError for a commit that can't be had, NoCommitYetError
        before the first one.
        """
        if self.version:
            check_out(self.repository, self.version, self.versions_dir / self.version)
        else:
            self.refresh()
            if self._root is None:
                # Starting without files would mark every DAG as deleted until the first commit comes.
                raise NoCommitYetError(
                    f"git-sync has published no commit at {self.link} yet. Push the DAGs (`make dags`); "
                    "if they're pushed, look at the git-sync container's log."
                )
        if self._root is not None:
            use_root(self._root)
        super().initialize()

    @property
    def path(self) -> Path:
        """The deployment's folder at the bundle's commit; before the first commit, a folder that doesn't
        exist.
        """
        return (self._root or self.versions_dir / "none") / self.folder

    def get_current_version(self) -> BundleVersion | None:
        """The commit that `path` shows."""
        return BundleVersion(version=self._root.name) if self._root else None

    def refresh(self) -> None:
        """Move on to what git-sync published last. Raises AirflowException for a bundle of one version."""
        if self.version:
            raise AirflowException(f"bundle {self.name} is fixed at {self.version} and can't be refreshed")
        self._root = self._published() or self._root

    def is_there(self) -> bool:
        """Whether there's any commit to show."""
        return self._root is not None or self._published() is not None

    def is_outdated(self) -> bool:
        """Whether git-sync has published another commit than `path` shows: one `readlink`, cheap enough
        for every second.
        """
        published = self._published()
        return published is not None and published != self._root

    def _published(self) -> Path | None:
        """git-sync's current work tree, by its real path: the link may move at any time, what it pointed
        to stays whole.
        """
        try:
            root = (self.link.parent / self.link.readlink()).resolve()
        except OSError:
            return None
        return root if COMMIT.fullmatch(root.name) else None


_used: list[str] = []


def use_root(root: Path) -> None:
    """Import shared packages from this commit, and from no other one that this process used before."""
    while _used:
        stale = _used.pop()
        if stale in sys.path:
            sys.path.remove(stale)
    sys.path.insert(0, str(root))
    _used.append(str(root))
