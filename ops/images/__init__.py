"""The images of `images/`: built when they changed, pushed to the registry, pinned by digest in a file."""

import os
from collections.abc import Iterable

from infra.shared.stack import Stack
from ops.images.build import IMAGES, BuildError, Built, Pushed, Report, build_all, plan, push_all
from ops.images.registry import LOCK_FILE, Registry, read_lock, write_lock
from ops.images.spec import ImageError, read_specs

__all__ = [
    "LOCK_FILE", "BuildError", "Built", "ImageError", "Pushed", "Registry",
    "build_all", "plan", "push_all", "push_and_lock", "read_lock", "registry_of", "write_lock",
]  # fmt: skip

LOCAL_REGISTRY = "localhost:5001"
"""Where images go while the cluster stack isn't there to say."""


def registry_of(env: str) -> Registry:
    """The registry of an environment: SWITCHBOARD_REGISTRY, or else what the cluster stack exports.

    Raises:
        CommandError: the stack's outputs can't be read.
    """
    if named := os.environ.get("SWITCHBOARD_REGISTRY"):
        return Registry(named)
    cluster = Stack("cluster", env).outputs().get("cluster") or {}
    return Registry(str(cluster.get("image_registry", LOCAL_REGISTRY)))


def push_and_lock(env: str = "local", only: Iterable[str] = (), report: Report = print) -> dict[str, str]:
    """Build what changed, push what the registry lacks, pin it; gives the lock. Raises ImageError."""
    pushed = push_all(build_all(only, report), registry_of(env), report)
    return lock(pushed)


def lock(pushed: Iterable[Pushed]) -> dict[str, str]:
    """Pin images that the registry has; gives the whole lock."""
    return write_lock({image.recipe.name: image.image for image in pushed}, set(read_specs(IMAGES)))
