"""Which engine runs kind: Docker where it can, else podman; remembered, and forced by a variable."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cluster import engine
from infra.cluster.engine import FORCE, NoEngineError, choose_engine, probe
from infra.shared.command import CommandError
from infra.shared.paths import Paths


class Docker:
    """Answers every command but the one that it is told to fail at."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at

    def __call__(self, *words: str, timeout_s: float) -> str:
        assert timeout_s <= 15, "the probe is to be quick"
        if self.fails_at and self.fails_at in words:
            raise CommandError(words, 1, "no")
        return ""


def installed(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/usr/bin/{name}" if name in names else None


@pytest.mark.parametrize(
    ("fails_at", "chosen", "reason"),
    [
        ("", "docker", "Docker pulls images and runs privileged containers"),
        ("info", "podman", "Docker does not run"),
        ("pull", "podman", "Docker can pull no images here"),
        ("run", "podman", "Docker may not run privileged containers here"),
    ],
)
def test_docker_is_taken_where_it_can_do_all_of_it(fails_at: str, chosen: str, reason: str) -> None:
    choice = probe(Docker(fails_at), installed("docker", "podman"))
    assert (choice.engine, choice.reason) == (chosen, reason)
    assert "\n" not in str(choice)
    assert reason in str(choice)


def test_without_docker_it_is_podman() -> None:
    assert probe(Docker(), installed("podman")).engine == "podman"


def test_without_either_the_reason_and_the_remedy_are_named() -> None:
    with pytest.raises(NoEngineError, match="Docker does not run, and podman is not installed; `make tools`"):
        probe(Docker("info"), installed("docker"))


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path))
    monkeypatch.delenv(FORCE, raising=False)
    return Paths.of("local")


def test_the_choice_is_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def found() -> engine.Choice:
        asked.append(1)
        return engine.Choice("docker", "it works")

    monkeypatch.setattr(engine, "probe", found)
    assert choose_engine(paths) == choose_engine(paths) == engine.Choice("docker", "it works")
    assert len(asked) == 1


def test_a_variable_forces_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "docker")
    assert choose_engine(paths).engine == "docker"
    assert not paths.engine.exists()


def test_a_variable_that_names_no_engine_is_refused(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "rkt")
    with pytest.raises(
        NoEngineError, match=f"{FORCE}=rkt: no such engine; set it to docker or podman, or unset"
    ):
        choose_engine(paths)
