"""Docker: what is up with it, and what a kill left behind."""

from pathlib import Path

import pytest

from tools import engine
from tools.layout import Layout
from tools.shell import StepError


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc in which 41 is dockerd and 42 a shell."""
    for number, name in (("41", "dockerd"), ("42", "bash")):
        (tmp_path / "proc" / number).mkdir(parents=True)
        (tmp_path / "proc" / number / "comm").write_text(f"{name}\n")
    return tmp_path / "proc"


@pytest.mark.parametrize(("number", "stale"), [("41", False), ("42", True), ("43", True)])
def test_a_number_that_is_nobodys_or_anothers_is_removed(
    tmp_path: Path, proc: Path, number: str, stale: bool
) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(number)
    missing = tmp_path / "containerd.pid"
    assert engine.remove_stale({file: "dockerd", missing: "containerd"}, proc) == ([file] if stale else [])
    assert file.exists() is not stale


def test_a_process_that_was_killed_is_gone_though_its_number_is_there(tmp_path: Path, proc: Path) -> None:
    """A zombie: its name is there until its parent looks at how it ended, its command line is not."""
    file = tmp_path / "docker.pid"
    file.write_text("41")
    (proc / "41" / "cmdline").write_text("/usr/sbin/dockerd\0")
    assert engine.remove_stale({file: "dockerd"}, proc) == []
    (proc / "41" / "cmdline").write_text("")
    assert engine.remove_stale({file: "dockerd"}, proc) == [file]


def test_a_docker_elsewhere_is_the_users_own_to_start(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "output", lambda command: None)
    monkeypatch.setenv("DOCKER_HOST", "tcp://build-machine:2375")
    with pytest.raises(StepError, match="DOCKER_HOST"):
        engine.start(layout)


def test_a_running_docker_is_left_alone(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "output", lambda command: "20.10.24")
    monkeypatch.setattr(engine, "_spawn", lambda daemon, log: pytest.fail("started another"))
    assert engine.start(layout) == "ran already"


@pytest.mark.parametrize(
    ("pulls", "had", "removed"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_the_probe_leaves_no_image_behind(
    monkeypatch: pytest.MonkeyPatch, pulls: bool, had: bool, removed: bool
) -> None:
    ran: list[str] = []

    def output(command: list[str], timeout_s: float = 20) -> str | None:
        verb = command[1] if command[1] == "pull" else command[2]
        ran.append(verb)
        return "" if {"pull": pulls, "inspect": had, "rm": True}[verb] else None

    monkeypatch.setattr(engine, "output", output)
    assert engine.can_pull() is pulls
    assert ("rm" in ran) is removed
