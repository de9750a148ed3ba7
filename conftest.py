"""How long each kind of test may take, and which tests share a worker where several run at once."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

END_TO_END = "tests/e2e/"
TIMEOUT_S = {"e2e": 3600, "integration": 600}
"""The first test waits for what it runs on: an environment, images. Those of unit tests: pyproject.toml."""


class ByStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file goes to one worker, having fixtures of its own; end-to-end tests go to one, having one stack."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack:
    """For `--numprocesses`."""
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its time; the end-to-end tests begin first, being the longest."""
    for item in items:
        kind = next((kind for kind in TIMEOUT_S if item.get_closest_marker(kind)), None)
        if kind and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S[kind]))
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))
