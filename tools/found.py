"""What is there already: built before, or somewhere on PATH in a version that does."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import versions
from tools.gomod import Build
from tools.layout import Layout
from tools.shell import output

PLUGIN_FOLDERS = (
    "~/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where Docker's command line looks for plugins such as buildx, which also run by themselves."""

ASK_AGAIN_S = 24 * 3600
"""When a registry that did not serve a program is asked again."""

Say = Callable[[list[str]], str | None]
"""Runs a program; answers what it printed, or None."""


@dataclass(frozen=True)
class Found:
    """Programs of the user's own that do instead of a build, and the version that they say they have."""

    programs: dict[str, Path]
    version: str


def search_path(layout: Layout) -> str:
    """PATH without our own folders: what we built is no reason not to build it."""
    ours = {layout.bin, layout.venv / "bin"}
    return os.pathsep.join(
        p for p in os.environ.get("PATH", "").split(os.pathsep) if p and Path(p) not in ours
    )


def on_path(build: Build, path: str, say: Say = output) -> Found | None:
    """The programs of a build on PATH, if all of them are there and the version does."""
    if not build.on_path:
        return None
    rule = build.on_path
    programs = {name: _locate(name, path, rule.plugin) for name in {*build.programs, rule.command[0]}}
    if not all(programs.values()):
        return None
    located = {name: found for name, found in programs.items() if found}
    said = say([str(located[rule.command[0]]), *rule.command[1:]])
    try:
        version = versions.parse(said or "")
    except versions.NoVersionError:
        return None
    if not versions.fits(version, versions.parse(rule.version or build.version), rule.match):
        return None
    return Found({name: located[name] for name in build.programs}, "v" + ".".join(map(str, version)))


def _locate(name: str, path: str, plugin: str) -> Path | None:
    folders = [str(Path(folder).expanduser()) for folder in PLUGIN_FOLDERS if plugin]
    candidates = [shutil.which(name, path=path), *(shutil.which(plugin, path=folder) for folder in folders)]
    return next((Path(found) for found in candidates if found), None)


@dataclass(frozen=True)
class Stamps:
    """Remembers what was built or linked, so that a second run has nothing to ask of anybody."""

    layout: Layout

    def is_current(self, build: Build) -> bool:
        """Whether the programs are in place and nothing that they depend on has changed."""
        file = self.layout.stamps / build.name
        if not file.exists():
            return False
        key, *links = file.read_text().splitlines()
        there = all((self.layout.bin / name).exists() for name in build.programs)
        return there and key == build.key and links == self._links(build)

    def built(self, build: Build) -> None:
        """Remember that the build's programs are in place."""
        self.layout.stamps.mkdir(parents=True, exist_ok=True)
        (self.layout.stamps / build.name).write_text("\n".join([build.key, *self._links(build)]) + "\n")
        self._refusal(build).unlink(missing_ok=True)

    def is_refused(self, build: Build) -> bool:
        """Whether the registry was asked for this very build within the last day and did not give it."""
        file = self._refusal(build)
        asked = file.exists() and file.read_text() == _question(build)
        return asked and 0 <= time.time() - file.stat().st_mtime < ASK_AGAIN_S

    def refused(self, build: Build) -> None:
        """Remember that the registry does not give it."""
        self._refusal(build).parent.mkdir(parents=True, exist_ok=True)
        self._refusal(build).write_text(_question(build))

    def _refusal(self, build: Build) -> Path:
        return self.layout.stamps / "refused" / build.name

    def link(self, build: Build, found: Found) -> None:
        """Put links to the user's own programs in place of a build, and remember them."""
        self.layout.bin.mkdir(parents=True, exist_ok=True)
        for name, program in found.programs.items():
            place = self.layout.bin / name
            place.unlink(missing_ok=True)
            place.symlink_to(program)
        self.built(build)

    def _links(self, build: Build) -> list[str]:
        """The linked programs as they are now: one that is replaced by another version is looked at again."""
        links = [self.layout.bin / name for name in build.programs if (self.layout.bin / name).is_symlink()]
        lines = []
        for place in links:
            state = place.stat()
            lines.append(f"{place.name} {place.readlink()} {state.st_size} {state.st_mtime_ns}")
        return lines


def _question(build: Build) -> str:
    """What was asked, and of whom."""
    return f"{build.key} {os.environ.get('GOPROXY', '')}"
