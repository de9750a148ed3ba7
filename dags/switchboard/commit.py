"""Which commit of the DAG repository a task runs."""

from __future__ import annotations

import re
from typing import Any

from switchboard.images import LOCK_FILE

COMMIT = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")


def dag_commit(context: Any) -> str:
    """The commit, or "" where DAGs do not come from a repository (a laptop's folder).

    The bundle knows it where it is versioned; else the folder of the checkout is named after it, as git-sync
    does.
    """
    task_instance = context.get("ti") if context else None
    bundle = getattr(task_instance, "bundle_instance", None)
    version = getattr(bundle, "version", None)
    if version:
        return str(version)
    for folder in LOCK_FILE.parents:
        if COMMIT.match(folder.name):
            return folder.name
    return ""
