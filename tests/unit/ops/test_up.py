"""When `make up` pushes the images."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from ops import images, up

AWAY = images.ImageError("the image registry localhost:5001 doesn't answer")


class Registry:
    """Answers its checks one after the other, with an error or without."""

    def __init__(self, answers: list[Exception | None], after: Callable[[], None] = lambda: None) -> None:
        self.answers, self.after = answers, after

    def check(self) -> None:
        answer = self.answers.pop(0)
        if not self.answers:
            self.after()
        if answer:
            raise answer


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The registries that were pushed to."""
    asked: list[object] = []
    monkeypatch.setattr("ops.up.time.sleep", lambda _: None)

    def push_all(_built: object, registry: object, _say: object) -> list[object]:
        asked.append(registry)
        return []

    monkeypatch.setattr(images, "push_all", push_all)
    monkeypatch.setattr(images, "registry_of", lambda env: f"registry of {env}")
    return asked


def test_it_begins_while_the_cluster_is_still_made(
    pushed: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry([AWAY, AWAY, None])
    monkeypatch.setattr(images, "Registry", lambda host: registry if host == "localhost:5001" else None)
    assert up.push_when_there("local", [], Future()) == []
    assert pushed == [registry]


def test_a_registry_that_came_last_is_the_one_that_the_cluster_names(
    pushed: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster: Future[None] = Future()
    monkeypatch.setattr(
        images, "Registry", lambda _: Registry([AWAY, AWAY], lambda: cluster.set_result(None))
    )
    up.push_when_there("local", [], cluster)
    assert pushed == ["registry of local"]


def test_a_cluster_that_failed_is_the_error(pushed: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Future[None] = Future()
    monkeypatch.setattr(
        images, "Registry", lambda _: Registry([AWAY], lambda: cluster.set_exception(OSError("no kind")))
    )
    with pytest.raises(OSError, match="no kind"):
        up.push_when_there("local", [], cluster)
    assert pushed == []
