"""Packages of several folders in one, as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unite import VersionsError, unite


def install(site: Path, name: str, version: str, text: str = "") -> None:
    """A package as an installer leaves it, with byte code and a script outside."""
    info, package = site / f"{name}-{version}.dist-info", site / name
    for folder in (info, package / "__pycache__"):
        folder.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (package / "__init__.py").write_text(text or f"version = {version!r}\n")
    (package / "__pycache__/__init__.cpython-311.pyc").write_bytes(b"compiled")
    os.utime(package / "__init__.py", (1_000_000, 1_000_000))
    names = [f"{info.name}/METADATA", f"{info.name}/RECORD", f"{name}/__init__.py", "../../../bin/script"]
    (info / "RECORD").write_text("".join(f"{each},,\n" for each in names))


def test_what_the_target_lacks_is_copied_with_times_and_byte_code(tmp_path: Path) -> None:
    one, two, target = (tmp_path / name for name in ("one", "two", "target"))
    install(one, "shared", "1.0")
    install(two, "shared", "1.0", "changed = True\n")
    install(two, "own", "2.0")
    install(target, "base", "1.0")
    install(two, "base", "1.0", "other = True\n")
    assert unite([one, two], target) == ["own", "shared"]
    assert (target / "shared/__init__.py").read_text() == "version = '1.0'\n"
    assert (target / "base/__init__.py").read_text() == "version = '1.0'\n"
    assert (target / "own/__init__.py").stat().st_mtime == 1_000_000
    assert (target / "own/__pycache__/__init__.cpython-311.pyc").exists()
    assert (target / "own-2.0.dist-info/RECORD").exists()
    assert not list(tmp_path.rglob("script"))


@pytest.mark.parametrize("place", ["source", "target"])
def test_two_versions_of_a_package_end_it(tmp_path: Path, place: str) -> None:
    one, two, target = (tmp_path / name for name in ("one", "two", "target"))
    target.mkdir()
    install(one, "numpy", "1.0")
    install(two if place == "source" else target, "numpy", "2.0")
    with pytest.raises(VersionsError, match=r"has numpy \d.0, others have \d.0"):
        unite([one, two], target)
