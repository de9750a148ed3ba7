"""Debian packages: the list of them, and which are missing."""

from pathlib import Path

import pytest

from tools import debian, shell
from tools.debian import Package
from tools.layout import Layout

PACKAGES = debian.load(Layout.here().root / "tools/packages.toml")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_each_package_has_a_reason_and_one_sign_that_it_is_there(package: Package) -> None:
    assert package.reason
    assert sum(map(bool, (package.command, package.path, package.python))) == 1


def test_no_package_is_named_twice() -> None:
    names = [package.name for package in PACKAGES]
    assert sorted(names) == sorted(set(names))


def test_only_what_is_missing_is_installed() -> None:
    there, away = Package("a", "why", command="sh"), Package("b", "why", command="no-such-program")
    assert debian.missing([there, away]) == [away]


def test_a_file_shows_that_a_package_is_there(tmp_path: Path) -> None:
    package = Package("a", "why", path=str(tmp_path / "file"))
    assert not debian.is_there(package)
    (tmp_path / "file").touch()
    assert debian.is_there(package)


def test_without_root_and_sudo_the_command_to_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "output", lambda command: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(shell.StepError, match=r"As root: apt-get install --no-install-recommends flite sox"):
        debian.install([Package("flite", "why"), Package("sox", "why")], tmp_path / "log")


def test_without_apt_the_packages_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(shell.StepError, match="No apt-get here.*flite"):
        debian.install([Package("flite", "why")], tmp_path / "log")


def test_old_package_lists_are_renewed_and_the_install_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(command: list[str], log: Path) -> None:
        ran.append("update" if "update" in command else "install")
        if ran == ["install"]:
            raise shell.StepError("Unable to locate package")

    monkeypatch.setattr(debian, "run", run)
    monkeypatch.setattr(debian, "become_root", list)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    debian.install([Package("flite", "why")], tmp_path / "log")
    assert ran == ["install", "update", "install"]
