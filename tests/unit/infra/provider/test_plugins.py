"""The choice between the real plugin and the stand-in."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.offline.engine import FORCE as ENGINE
from infra.offline.plugins import FORCE, ensure_kubernetes_plugin
from infra.shared.command import CommandError


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and a `pulumi` whose installs succeed where the file `online` is."""
    tools = tmp_path / "tools/bin"
    tools.mkdir(parents=True)
    pulumi = tools / "pulumi"
    pulumi.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ntest -e {tmp_path}/online\n')
    pulumi.chmod(0o755)
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))
    monkeypatch.delenv(FORCE, raising=False)
    monkeypatch.setenv(ENGINE, "real")


def _ensure() -> tuple[Path, str]:
    said: list[str] = []
    folder = ensure_kubernetes_plugin(say=said.append)
    (line,) = said
    return folder, line


def _calls(tmp_path: Path) -> int:
    calls = tmp_path / "calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_takes_the_real_one_where_it_can_be_downloaded(tmp_path: Path) -> None:
    (tmp_path / "online").touch()
    folder, line = _ensure()
    assert list(folder.iterdir()) == []
    assert "the real one" in line


def test_falls_back_to_the_stand_in_and_tries_only_once(tmp_path: Path) -> None:
    first, _ = _ensure()
    (tmp_path / "online").touch()
    second, line = _ensure()
    assert first == second
    assert os.access(first / "pulumi-resource-kubernetes", os.X_OK)
    assert "stand-in" in line
    assert _calls(tmp_path) == 1


def test_forcing_the_real_one_tries_again_and_tells_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ensure()
    monkeypatch.setenv(FORCE, "real")
    with pytest.raises(CommandError, match="plugin install resource kubernetes"):
        _ensure()
    (tmp_path / "online").touch()
    assert "the real one" in _ensure()[1]


def test_forcing_the_stand_in_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "standin")
    assert "stand-in" in _ensure()[1]
    assert _calls(tmp_path) == 0


def test_a_word_that_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "fake")
    with pytest.raises(ValueError, match="'fake': say `real` or `standin`"):
        _ensure()


def test_no_pulumi_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tools/bin/pulumi").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="make tools"):
        _ensure()
    assert not list((tmp_path / "tools").glob("plugins/*.standin"))


def test_the_launcher_starts_and_tells_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "standin")
    folder, _ = _ensure()
    with subprocess.Popen(
        [folder / "pulumi-resource-kubernetes"], stdout=subprocess.PIPE, text=True, cwd="/"
    ) as plugin:
        assert plugin.stdout is not None
        assert int(plugin.stdout.readline()) > 0
        plugin.send_signal(2)
        assert plugin.wait(timeout=60) == 0
