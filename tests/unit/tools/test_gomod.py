"""Tool modules: what their go.mod and tool.toml say, and when a build has to be made again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.tools.conftest import MakeBuild
from tools import golang, gomod, versions
from tools.layout import Layout

Break = Callable[[Path], object]

REAL = Layout.here()


def test_without_a_tool_toml_all_tools_are_one_build(module: Path) -> None:
    (build,) = gomod.load(module)
    assert build.name == "thing"
    assert build.packages == ("example.org/thing/cmd/thing",)
    assert build.version == "v1.34.4"
    assert build.go == (1, 24, 3)
    assert build.ldflags == "-s -w"
    assert build.needed == "always"


def test_tool_toml_adds_flags_names_and_files(module: Path) -> None:
    (module / "tool.toml").write_text(
        '[[build]]\nname = "x"\n'
        'ldflags = "-X a.B={version} -X a.Minor={minor}"\nrename = { thing = "daemon" }\n'
        '[[build.copy]]\nmodule = "example.org/thing"\npath = "dist/helper"\n'
    )
    (build,) = gomod.load(module)
    assert build.ldflags == "-s -w -X a.B=v1.34.4 -X a.Minor=34"
    assert build.programs == ("daemon", "helper")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "go.sum").unlink(), "go.sum is missing"),
        (lambda folder: (folder / "go.mod").write_text("module x\n\ngo 1.24\n"), "names no tool"),
        (lambda folder: (folder / "tool.toml").write_text('[[build]]\ncolour = "red"\n'), "colour"),
        (
            lambda folder: (folder / "tool.toml").write_text(
                '[[build]]\npackages = ["example.org/elsewhere"]\n'
            ),
            "no module that holds example.org/elsewhere",
        ),
    ],
)
def test_a_module_that_is_wrong_is_named_with_the_remedy(module: Path, break_it: Break, says: str) -> None:
    break_it(module)
    with pytest.raises(gomod.ToolError, match=says):
        gomod.load(module)


@pytest.mark.parametrize(
    ("package", "program"),
    [("sigs.k8s.io/kind", "kind"), ("go.etcd.io/etcd/server/v3", "server"), ("a.b/c/v2/cmd/d", "d")],
)
def test_the_name_that_go_install_gives(package: str, program: str) -> None:
    assert gomod.program_name(package) == program


def test_the_longest_module_that_begins_a_package_is_its_own() -> None:
    text = "\texample.org/a v1.0.0\n\texample.org/a/b v2.0.0 // indirect\n\texample.org/a/bc v3.0.0\n"
    assert gomod.module_version(text, "example.org/a/b/cmd") == "v2.0.0"
    assert gomod.module_version(text, "example.org/a/x") == "v1.0.0"


@pytest.mark.parametrize("changed", ["go.mod", "go.sum"])
def test_changed_sources_are_built_again(make_build: MakeBuild, module: Path, changed: str) -> None:
    before = make_build().key
    assert make_build().key == before
    (module / changed).write_text((module / changed).read_text() + "\n")
    assert make_build().key != before


@pytest.mark.parametrize(
    "change", [{"ldflags": "-s"}, {"packages": ("a.b/c",)}, {"rename": {"thing": "other"}}]
)
def test_changed_flags_are_built_again(make_build: MakeBuild, change: dict[str, object]) -> None:
    assert make_build(**change).key != make_build().key


def test_what_is_always_needed_comes_first_and_the_quick_before_the_slow() -> None:
    builds = gomod.load_all(REAL.root / "tools")
    assert [build.needed for build in builds] == sorted(
        (build.needed for build in builds), key="always no-pull".index
    )
    for needed in ("always", "no-pull"):
        seconds = [build.seconds for build in builds if build.needed == needed]
        assert seconds == sorted(seconds)


def test_no_two_builds_make_the_same_program() -> None:
    programs = [name for build in gomod.load_all(REAL.root / "tools") for name in build.programs]
    assert sorted(programs) == sorted(set(programs))


def test_the_go_wheel_is_new_enough_for_every_module() -> None:
    pinned = versions.parse(golang.wheel(REAL).name)
    assert [build.name for build in gomod.load_all(REAL.root / "tools") if build.go > pinned] == []


def test_the_estimate_leaves_room_within_twenty_minutes() -> None:
    assert sum(build.seconds for build in gomod.load_all(REAL.root / "tools")) < 17 * 60


def test_a_program_of_our_own_is_built_again_when_its_source_changes(module: Path) -> None:
    (module / "go.mod").write_text("module example.internal/tools/thing\n\ngo 1.24.3\n")
    (module / "main.go").write_text("package main\n")
    (build,) = gomod.load(module)
    assert (build.packages, build.programs) == (("example.internal/tools/thing",), ("thing",))
    before = build.key
    (module / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert build.key != before
