"""How long each kind of test may take, and which tests share a worker where several run at once."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

CLUSTERS = ("tests/integration/infra/test_cluster.py", "tests/e2e/")
"""Tests that make clusters here, and hold what was there before against what is there after. In this order:
the end-to-end tests' cluster is there until the very end.
"""
TIMEOUT_S = {"e2e": 3600, "integration": 600}
"""The first test waits for what it runs on: an environment, images. Those of unit tests: pyproject.toml."""


class ByStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file goes to one worker, having fixtures of its own; what makes clusters goes to one, one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return "clusters" if nodeid.startswith(CLUSTERS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack:
    """For `--numprocesses`."""
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its time; what makes clusters begins first, being the longest."""
    for item in items:
        kind = next((kind for kind in TIMEOUT_S if item.get_closest_marker(kind)), None)
        if kind and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S[kind]))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    starts = [item.nodeid.startswith(prefix) for prefix in CLUSTERS]
    return starts.index(True) if any(starts) else len(CLUSTERS)
