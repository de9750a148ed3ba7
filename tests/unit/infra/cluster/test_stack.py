"""Pulumi's command, driven: where its state is, what of its output is shown, and what a killed run left."""

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest
import yaml

from infra.shared.killed import end_plugins, is_pulumi, runs
from infra.shared.progress import Progress
from infra.shared.stack import Stack, StackInUseError, _write_secret

OUTPUT = """\
Updating (local):

@ updating....
    pulumi:pulumi:Stack switchboard-cluster-local running
 ~  pulumi-python:dynamic/switchboard:Bucket bucket-data refreshing (0s)
 ~  pulumi-python:dynamic/switchboard:Bucket bucket-data refresh (0.20s)
    pulumi:pulumi:Stack switchboard-cluster-local running kind runs on podman
    pulumi-python:dynamic/switchboard:Bucket bucket-data
 +  pulumi-python:dynamic/switchboard:KindCluster kind creating (0s)
Diagnostics:
  pulumi:pulumi:Stack (switchboard-cluster-local):
    kind runs on podman
    warning: using pulumi-resource-kubernetes from $PATH at /tools/x
  pulumi-python:dynamic/switchboard:KindCluster (kind):
    error: it failed
Resources:
    11 unchanged
"""


def shown(text: str) -> list[str]:
    progress = Progress()
    return [kept for line in text.splitlines() for kept in progress.kept(line)]


def test_what_is_as_it_was_is_not_shown() -> None:
    lines = shown(OUTPUT)
    assert lines[:3] == [
        "Updating (local):",
        "    pulumi:pulumi:Stack switchboard-cluster-local running kind runs on podman",
        " +  pulumi-python:dynamic/switchboard:KindCluster kind creating (0s)",
    ]
    assert lines[-3:] == ["    error: it failed", "Resources:", "    11 unchanged"]


def test_a_heading_is_shown_with_what_is_under_it_alone() -> None:
    quiet = OUTPUT.replace("    error: it failed\n", "")
    assert "Diagnostics:" in shown(OUTPUT)
    assert "Diagnostics:" not in shown(quiet)


@pytest.mark.parametrize("counts", ["1 warning; 4 messages", "3 warnings", "1 message"])
def test_what_was_shown_is_not_counted_again(counts: str) -> None:
    assert shown(f"    pulumi:pulumi:Stack switchboard-cluster-local  {counts}") == []
    created = " +  pulumi:pulumi:Stack switchboard-cluster-local created (183s)"
    assert shown(f"{created} {counts}") == [created]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path))

    def say(line: str) -> None:
        (tmp_path / "said").write_text(line)

    return Stack("cluster", "local", say)


def lock(tmp_path: Path, pid: int) -> Path:
    file = tmp_path / "local/pulumi/.pulumi/locks/organization/switchboard-cluster/local/x.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"pid": pid}))
    return file


def test_the_lock_of_a_run_that_is_no_more_is_cleared_and_named(stack: Stack, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    file = lock(tmp_path, ended.pid)
    stack._clear_lock()
    assert not file.exists()
    assert (
        f"clearing the lock of a run that was killed (process {ended.pid})" in (tmp_path / "said").read_text()
    )


def test_the_lock_of_a_run_that_goes_on_stays(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.shared.killed.is_pulumi", lambda pid: pid == os.getpid())
    monkeypatch.setattr("infra.shared.killed.END_WITHIN_S", 0)
    file = lock(tmp_path, os.getpid())
    with pytest.raises(StackInUseError, match=rf"process {os.getpid()}\); wait until it ends, or stop it"):
        stack._clear_lock()
    assert file.exists()


def test_a_run_that_was_just_killed_is_given_a_moment_to_be_gone(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([True, True, False])
    monkeypatch.setattr("infra.shared.killed.is_pulumi", lambda _pid: next(left))
    file = lock(tmp_path, os.getpid())
    stack._clear_lock()
    assert not file.exists()


def test_secrets_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    _write_secret(file, "x")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        _write_secret(file, "y")


def test_pulumi_runs_beside_a_copy_of_the_stack_file_that_keeps_its_salt(
    stack: Stack, tmp_path: Path
) -> None:
    stack._write_work()
    copy = tmp_path / "local/pulumi/cluster/Pulumi.local.yaml"
    original = yaml.safe_load((stack.folder / "Pulumi.local.yaml").read_text())
    assert yaml.safe_load(copy.read_text()) == original
    copy.write_text(copy.read_text() + "encryptionsalt: salt\n")
    stack._write_work()
    assert yaml.safe_load(copy.read_text()) == original | {"encryptionsalt": "salt"}
    assert (copy.parent / "program").resolve() == stack.folder


def test_what_was_never_made_has_no_outputs_and_nothing_to_destroy(stack: Stack) -> None:
    assert stack.outputs() == {}
    stack.destroy()


def test_forgetting_the_last_stack_removes_the_environments_folder(stack: Stack, tmp_path: Path) -> None:
    state = tmp_path / "local"
    (state / "pulumi/.pulumi").mkdir(parents=True)
    for name in ("passphrase", "engine"):
        (state / name).touch()
    stack.forget()
    assert not state.exists()


def test_plugins_of_a_killed_run_end_with_what_they_started_and_others_stay(tmp_path: Path) -> None:
    plugin = tmp_path / "pulumi-resource-test"
    plugin.write_text("#!/bin/sh\nsleep 60 &\necho $!\nwait\n")
    plugin.chmod(0o755)
    ours, others = os.environ | {"RUN": "ours"}, os.environ | {"RUN": "others"}
    with (
        subprocess.Popen([plugin], env=ours, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen([plugin], env=others, stdout=subprocess.PIPE, text=True) as running,
        subprocess.Popen(["sleep", "60"], env=ours) as monitor,
    ):
        assert killed.stdout
        assert running.stdout
        child, other_child = int(killed.stdout.readline()), int(running.stdout.readline())
        end_plugins("RUN", "ours")
        assert not psutil.pid_exists(killed.pid)
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        assert running.poll() is None
        assert monitor.poll() is None
        for process in (psutil.Process(other_child), running, monitor):
            process.kill()


def test_a_process_that_has_ended_is_no_pulumi() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert not is_pulumi(ended.pid)
    assert not is_pulumi(os.getpid())


def test_a_process_that_was_killed_and_not_yet_looked_at_does_not_run() -> None:
    with subprocess.Popen(["sleep", "60"]) as killed:
        assert runs(killed.pid, "sleep")
        killed.kill()
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
        assert psutil.pid_exists(killed.pid)
        assert not runs(killed.pid, "sleep")
