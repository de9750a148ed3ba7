"""The images of `images/`: built when they changed, pushed to the registry, pinned by digest in a file."""

import os
from collections.abc import Iterable

from infra.shared.paths import Paths
from infra.shared.stack import Stack
from ops.images.build import IMAGES, BuildError, Built, Pushed, build_all, plan, push_all
from ops.images.registry import Registry, read_lock, write_lock
from ops.images.spec import ImageError, read_specs

__all__ = [
    "BuildError",
    "Built",
    "ImageError",
    "Pushed",
    "Registry",
    "build_all",
    "pinned",
    "plan",
    "push_all",
    "read_lock",
    "registry_of",
    "write_lock",
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


def lock(pushed: Iterable[Pushed], env: str = "local") -> dict[str, str]:
    """Pin images that the environment's registry has; gives the whole lock.

    An image made of others is unpinned when one of these gets another digest, until it is built again itself:
    pinned together, they would claim to be of one version.
    """
    pins = {image.recipe.name: image.image for image in pushed}
    parts = {name: spec.settings.parts for name, spec in read_specs(IMAGES).items()}
    return write_lock(pins, parts, Paths.of(env).images_lock)


def pinned(env: str = "local") -> dict[str, str]:
    """Every image that is pinned for the environment. Raises ImageError where none ever was."""
    return read_lock(Paths.of(env).images_lock)
