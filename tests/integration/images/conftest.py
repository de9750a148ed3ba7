"""The images under test, built where they changed, and a Docker that is clean afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops import images
from tests.integration.images.containers import Docker, docker

PLATFORM = ("base", "git", "git-server", "git-sync", "postgres")


@pytest.fixture(scope="session")
def built() -> dict[str, str]:
    """The local tag of each platform image, by name."""
    return {image.recipe.name: image.recipe.tag for image in images.build_all(PLATFORM)}


@pytest.fixture(scope="module")
def containers() -> Iterator[Docker]:
    """Containers, volumes and a network of this module's own."""
    with docker() as session:
        yield session
