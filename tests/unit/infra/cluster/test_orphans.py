"""Containers whose monitor was killed with them: podman calls them running for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.shared import engine

CONMON, INIT = 41, 42


@pytest.fixture
def alive() -> dict[int, str]:
    """The processes that run."""
    return {CONMON: "conmon"}


@pytest.fixture
def calls(tmp_path: Path, alive: dict[int, str], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was asked of the engine; the container is `running` in its book."""
    made: list[tuple[str, ...]] = []
    state = {"Running": True, "Status": "running", "ConmonPid": CONMON, "Pid": INIT}
    found: dict[str, Any] = {"Id": "abc", "State": state}
    monkeypatch.setattr(engine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(engine, "runs", lambda pid, program: alive.get(pid) == program)
    monkeypatch.setattr(engine, "inspect", lambda *_: found)
    monkeypatch.setattr(engine, "call", lambda *words: made.append(words))
    return made


def settle(tmp_path: Path) -> list[str]:
    engine.settle("podman", "node", tmp_path / "exits")
    return [file.name for file in (tmp_path / "exits").glob("*")]


def test_one_with_its_monitor_is_left_alone(tmp_path: Path, calls: list[tuple[str, ...]]) -> None:
    assert engine.is_running("podman", "node")
    assert settle(tmp_path) == []
    assert calls == []


@pytest.mark.parametrize("left", [{}, {CONMON: "another"}])
def test_one_without_is_dead_and_its_end_is_written_down(
    tmp_path: Path, alive: dict[int, str], calls: list[tuple[str, ...]], left: dict[int, str]
) -> None:
    """Its monitor's number may be nobody's, or by now another's."""
    alive.clear()
    alive.update(left)
    assert not engine.is_running("podman", "node")
    assert settle(tmp_path) == ["abc"]
    assert (tmp_path / "exits/abc").read_text() == "137"
    assert calls == [("podman", "container", "cleanup", "node")]


def test_what_is_left_of_it_is_ended_and_nobody_else(
    tmp_path: Path, alive: dict[int, str], calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr("infra.shared.engine.os.kill", lambda pid, _: killed.append(pid))
    alive.clear()
    (tmp_path / "proc" / str(INIT)).mkdir(parents=True)
    cgroup = tmp_path / "proc" / str(INIT) / "cgroup"
    cgroup.write_text("0::/user.slice/another\n")
    settle(tmp_path)
    assert killed == []
    cgroup.write_text("0::/libpod_parent/libpod-abc\n")
    settle(tmp_path)
    assert killed == [INIT]


def test_docker_keeps_its_own_book(alive: dict[int, str], calls: list[tuple[str, ...]]) -> None:
    alive.clear()
    assert engine.is_running("docker", "node")


def test_one_that_is_removed_is_settled_first(
    calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Podman would else wait for word from its monitor, and give up."""
    monkeypatch.setattr(engine, "settle", lambda *words: calls.append(("settle", *words)))
    engine.remove_containers("podman", ["node"])
    assert calls == [("settle", "podman", "node"), ("podman", "rm", "--force", "--volumes", "node")]
