"""Go tool modules: each folder tools/<name> with a go.mod, and what its tool.toml adds.

A module has its tools from others, or is a program of our own (`main.go`).
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tools import versions
from tools.layout import target

BASE_LDFLAGS = "-s -w"
"""No symbol table and no debug information: a third off every program."""

REQUIRE = re.compile(r"^(?:require\s+)?\t?(\S+\.\S+/\S+|\S+\.\S+) (v\S+)", re.MULTILINE)
TOOL_BLOCK = re.compile(r"^tool \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
TOOL_LINE = re.compile(r"^tool (?!\()(\S+)", re.MULTILINE)
GO_LINE = re.compile(r"^go (\S+)", re.MULTILINE)
MODULE_LINE = re.compile(r"^module (\S+)", re.MULTILINE)
OWN_VERSION = "v1.0.0"
"""Of a program of our own: its key is what tells it from others."""

Needed = Literal["always", "no-pull"]


class ToolError(Exception):
    """A tool module that is not as it must be; names the file and the remedy."""


@dataclass(frozen=True)
class OnPath:
    """How to tell whether a program on PATH does instead: what to run, and how near its version must come."""

    command: tuple[str, ...]
    match: versions.Match
    version: str = ""
    """The version to compare with, where it is not the module's own."""
    plugin: str = ""
    """The name that it has as a plugin of Docker's command line."""


@dataclass(frozen=True)
class Copy:
    """A file of a Go module that is installed as it is."""

    module: str
    path: str


@dataclass(frozen=True)
class Build:
    """One `go install`: some packages of a tool module, with the flags that give them their version."""

    name: str
    folder: Path
    packages: tuple[str, ...]
    version: str
    go: versions.Version
    """The Go version that the module asks for."""
    summary: str = ""
    needed: Needed = "always"
    ldflags: str = BASE_LDFLAGS
    seconds: int = 60
    """How long it takes from nothing on two cores; for the estimate and the order."""
    rename: dict[str, str] = field(default_factory=dict)
    on_path: OnPath | None = None
    copies: tuple[Copy, ...] = ()
    without: str = ""
    """What happens without it, where the registry does not serve it. Empty: nothing works."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of what it installs."""
        built = [self.rename.get(name, name) for name in map(program_name, self.packages)]
        return (*built, *(Path(copy.path).name for copy in self.copies))

    @property
    def key(self) -> str:
        """Changes whenever what is built would: sources, flags, machine."""
        digest = hashlib.sha256()
        for path in (self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go"))):
            digest.update(path.read_bytes())
        parts = (target(), self.ldflags, *self.packages, *self.programs, *(copy.path for copy in self.copies))
        digest.update("\0".join(parts).encode())
        return digest.hexdigest()


def program_name(package: str) -> str:
    """The name that `go install` gives a package's program: its last element that is no major version."""
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v\d+", elements[-1]) else elements[-1]


def load_all(tools: Path) -> list[Build]:
    """Every build of every module, in the order in which to run them.

    What is always needed comes first, and the quick before the slow, so that work can start early.

    Raises:
        ToolError: a go.mod or tool.toml that is not as it must be.
    """
    folders = sorted(path.parent for path in tools.glob("*/go.mod"))
    builds = [build for folder in folders for build in load(folder)]
    return sorted(builds, key=lambda build: (build.needed != "always", build.seconds, build.name))


def load(folder: Path) -> list[Build]:
    """The builds of one module: as tool.toml says, or all its tools at once where there is none.

    Raises:
        ToolError: no go.sum, no tool, an unknown key, or a package of a module that go.mod does not require.
    """
    text = (folder / "go.mod").read_text()
    if not (folder / "go.sum").exists():
        raise ToolError(f"{folder}/go.sum is missing: run `go mod tidy` there, so that downloads are checked")
    blocks = "".join(TOOL_BLOCK.findall(text)).split()
    tools = tuple(blocks + TOOL_LINE.findall(text))
    if not tools and (folder / "main.go").exists():
        tools = tuple(MODULE_LINE.findall(text))
    if not tools:
        raise ToolError(f"{folder}/go.mod names no tool: run `go get -tool PACKAGE@VERSION` there")
    file = folder / "tool.toml"
    entries = tomllib.loads(file.read_text())["build"] if file.exists() else [{}]
    try:
        return [_build(folder, text, tools, entry) for entry in entries]
    except (TypeError, KeyError) as error:
        raise ToolError(f"{file}: {error}; the keys are those of Build in tools/gomod.py") from error


def _build(folder: Path, gomod: str, tools: tuple[str, ...], entry: dict[str, Any]) -> Build:
    go = GO_LINE.search(gomod)
    packages = tuple(entry.pop("packages", tools))
    own = (packages or tools)[0] in MODULE_LINE.findall(gomod)
    version = OWN_VERSION if own else module_version(gomod, (packages or tools)[0])
    major, minor, _ = versions.parse(version)
    extra = str(entry.pop("ldflags", "")).format(version=version, major=major, minor=minor)
    on_path = entry.pop("on_path", None)
    return Build(
        name=entry.pop("name", folder.name),
        folder=folder,
        packages=packages,
        version=version,
        go=versions.parse(go.group(1)) if go else (1, 24, 0),
        ldflags=f"{BASE_LDFLAGS} {extra}".strip(),
        on_path=OnPath(**{**on_path, "command": tuple(on_path["command"])}) if on_path else None,
        copies=tuple(Copy(**copy) for copy in entry.pop("copy", ())),
        **entry,
    )


def module_version(gomod: str, package: str) -> str:
    """The version of the module that holds a package: the longest required path that begins the package's.

    Raises:
        ToolError: no required module does.
    """
    fitting = [found for found in REQUIRE.findall(gomod) if f"{package}/".startswith(f"{found[0]}/")]
    if not fitting:
        raise ToolError(
            f"go.mod requires no module that holds {package}: run `go get -tool {package}@VERSION`"
        )
    return str(max(fitting, key=lambda found: len(found[0]))[1])
