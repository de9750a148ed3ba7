"""git-sync, by its official variables: the official image and our stand-in both take them."""

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import DAGS_FOLDER, DAGS_LINK, GIT_FOLDER, GIT_PASSWORD_KEY
from infra.platform.manifests.pods import container, mount, variables
from infra.platform.names import GIT_READER, GIT_URL

STALE_WORKTREE_SECONDS = 120
"""How long an outdated commit stays: longer than a file may take to parse."""


def git_sync(context: AirflowContext) -> Object:
    """The sidecar that publishes the branch's newest commit, whole, by moving one symbolic link."""
    settings = context.settings.dag_sync
    environment = {
        "GITSYNC_REPO": GIT_URL,
        "GITSYNC_REF": settings.branch,
        "GITSYNC_ROOT": DAGS_FOLDER,
        "GITSYNC_LINK": DAGS_LINK,
        "GITSYNC_PERIOD": f"{settings.period_seconds}s",
        "GITSYNC_DEPTH": "1",
        "GITSYNC_USERNAME": GIT_READER,
        "GITSYNC_PASSWORD_FILE": f"{GIT_FOLDER}/{GIT_PASSWORD_KEY}",
        # A repository that is empty, or away for a while, is no reason to give up.
        "GITSYNC_MAX_FAILURES": "-1",
        "GITSYNC_STALE_WORKTREE_TIMEOUT": f"{STALE_WORKTREE_SECONDS}s",
    }
    return container(
        "git-sync",
        context.images["git-sync"],
        context.settings.resources.git_sync,
        env=variables(environment),
        volumeMounts=[mount("dags", DAGS_FOLDER), mount("git", GIT_FOLDER, read_only=True)],
    )
