"""When `make up` pushes the images."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from ops import images, up
from ops.environment import Environment

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


@pytest.mark.parametrize(("name", "ends"), [("local", ""), ("bench", " ENV=bench")])
def test_what_to_do_next_is_about_the_same_environment(
    name: str, ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make down` alone removes another environment than the one that has just come up."""
    store = SimpleNamespace(host_endpoint_url="s3", buckets={"data": "d"})
    cluster: Any = SimpleNamespace(object_store=store)
    farewell = Environment(name, cluster, {"airflow_url": "http://a", "airflow_admin_user": "u"})
    up._farewell(farewell, 0.0)
    shown = capsys.readouterr().out
    told = [line.split("   ")[0].strip() for line in shown.splitlines() if line.startswith("  make")]
    assert told == [f"make {each}{ends}" for each in ("samples CALLS=6", "dags", "down")]
    assert f"`make password{ends}`" in shown
