"""How long each kind of test may take, and which tests share a worker where several run at once."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

END_TO_END = "tests/e2e/"
"""They share one environment, so one worker; being the longest, they begin first."""
ITS_OWN_CLUSTER = "tests/integration/infra/test_cluster.py"
"""It makes another environment beside that one: after the images' tests, when that one stands, and long
before it goes, for both look at what the machine holds, and the later one would wait."""
IMAGES = "tests/integration/images/"
STACK_TESTS = (END_TO_END, "tests/integration/", "images/")
"""Where marked tests are looked for: the Makefile's folders of this name."""
TIMEOUT_S = {"e2e": 3600, "integration": 600}
"""The first test waits for what it runs on: an environment, images. Those of unit tests: pyproject.toml."""


class ByStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file goes to one worker, having fixtures of its own; so do all end-to-end tests."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack:
    """For `--numprocesses`."""
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its time, and put them in order."""
    for item in items:
        kind = next((kind for kind in TIMEOUT_S if item.get_closest_marker(kind)), None)
        if kind and not item.nodeid.startswith(STACK_TESTS):
            raise pytest.UsageError(f"{item.nodeid} is an {kind} test: where it lies nothing would run it")
        if kind and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S[kind]))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Its rank: those of one rank keep the order in which they were found."""
    first = (END_TO_END, IMAGES, ITS_OWN_CLUSTER)
    return next((rank for rank, path in enumerate(first) if item.nodeid.startswith(path)), len(first))
