"""How long each kind of test may take, and which tests share a worker where several run at once."""

from __future__ import annotations

import pytest

TIMEOUT_S = {"e2e": 3600, "integration": 600}
"""The first test waits for what it runs on: an environment, images. Those of unit tests: pyproject.toml."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End-to-end tests share one stack, so one worker; they begin first, being the longest."""
    for item in items:
        kind = next((kind for kind in TIMEOUT_S if item.get_closest_marker(kind)), None)
        item.add_marker(pytest.mark.xdist_group(kind if kind == "e2e" else str(item.path)))
        if kind and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S[kind]))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
