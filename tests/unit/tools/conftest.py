"""A tool module and a layout of no machine in particular."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.gomod import Build
from tools.layout import Layout

MakeBuild = Callable[..., Build]

GO_MOD = """module example.internal/tools/thing

go 1.24.3

tool example.org/thing/cmd/thing

require (
\texample.org/other v0.9.1 // indirect
\texample.org/thing v1.34.4
\texample.org/thing/sdk v2.0.0 // indirect
)
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A tool module's folder, with go.mod and go.sum."""
    folder = tmp_path / "tools/thing"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(GO_MOD)
    (folder / "go.sum").write_text("example.org/thing v1.34.4 h1:abc=\n")
    return folder


@pytest.fixture
def make_build(module: Path) -> MakeBuild:
    """Makes builds that differ from `thing v1.34.4` in what is given."""

    def make(**changes: object) -> Build:
        packages = ("example.org/thing/cmd/thing",)
        values = {
            "name": "thing",
            "folder": module,
            "packages": packages,
            "version": "v1.34.4",
            "go": (1, 24, 3),
        }
        return Build(**{**values, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty cache beside an empty checkout."""
    return Layout(root=tmp_path / "checkout", cache=tmp_path / "cache")


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a program that prints a text, and answers its path."""

    def write(name: str, says: str) -> Path:
        path = tmp_path / "path" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(0o755)
        return path

    return write
