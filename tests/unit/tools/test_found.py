"""What is used as it is: programs on PATH, and what an earlier run built."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.tools.conftest import MakeBuild
from tools import found
from tools.found import Found, Stamps
from tools.gomod import OnPath
from tools.layout import Layout

Program = Callable[[str, str], Path]
RULE = OnPath(command=("thing", "version"), match="minor")


@pytest.mark.parametrize(
    ("says", "does"), [("thing v1.34.9", True), ("thing v1.33.0", False), ("thing dev", False)]
)
def test_a_program_on_path_does_if_its_version_does(
    make_build: MakeBuild, program: Program, says: str, does: bool
) -> None:
    own = program("thing", says)
    answer = found.on_path(make_build(on_path=RULE), str(own.parent))
    assert answer == (Found({"thing": own}, "v1.34.9") if does else None)


def test_all_programs_of_a_build_have_to_be_there(make_build: MakeBuild, program: Program) -> None:
    own = program("thing", "v1.34.4")
    both = make_build(on_path=RULE, packages=("example.org/thing/cmd/thing", "example.org/thing/cmd/second"))
    assert found.on_path(both, str(own.parent)) is None
    program("second", "")
    assert found.on_path(both, str(own.parent)) is not None


def test_a_build_that_may_come_from_nowhere_else(make_build: MakeBuild, program: Program) -> None:
    own = program("thing", "v1.34.4")
    assert found.on_path(make_build(), str(own.parent)) is None


def test_our_own_folders_are_not_searched(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{layout.bin}:/usr/bin:{layout.venv}/bin")
    assert found.search_path(layout) == "/usr/bin"


def test_what_was_built_is_there_until_something_changes(
    make_build: MakeBuild, layout: Layout, module: Path
) -> None:
    build, stamps = make_build(), Stamps(layout)
    assert not stamps.is_current(build)
    layout.bin.mkdir(parents=True)
    (layout.bin / "thing").touch()
    stamps.built(build)
    assert stamps.is_current(build)
    assert not stamps.is_current(make_build(ldflags="-s"))
    (layout.bin / "thing").unlink()
    assert not stamps.is_current(build)


def test_a_linked_program_that_is_replaced_is_looked_at_again(
    make_build: MakeBuild, layout: Layout, program: Program
) -> None:
    build, stamps = make_build(on_path=RULE), Stamps(layout)
    own = program("thing", "v1.34.4")
    stamps.link(build, Found({"thing": own}, "v1.34.4"))
    assert (layout.bin / "thing").resolve() == own.resolve()
    assert stamps.is_current(build)
    program("thing", "v2.0.0-replaced")
    assert not stamps.is_current(build)
    own.unlink()
    assert not stamps.is_current(build)
