"""The program: its process, and what it is told, as Pulumi's host for Python does."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from infra.offline.pulumi_engine.deletion import PARALLEL
from infra.offline.pulumi_engine.plugin import forward
from infra.offline.pulumi_engine.project import ORGANIZATION, Project
from infra.offline.pulumi_engine.values import EngineError

_SCRIPT = "pulumi-language-python-exec"


@dataclass
class Program:
    """A run of it. `address` is where the engine listens, for both of its services."""

    project: Project
    stack: str
    address: str
    config: dict[str, str]
    secret_keys: list[str]
    preview: bool
    say: Callable[[str], None]
    _process: "subprocess.Popen[str] | None" = field(default=None, init=False)

    def run(self) -> int:
        """Run it to its end. Answers its status."""
        place, folder = self.project.program, folder_of(self.project)
        if not place.exists():
            raise EngineError(f"{self.project.folder}/Pulumi.yaml: main: {place} is not there")
        script = shutil.which(_SCRIPT)
        if not script:
            raise EngineError(f"{_SCRIPT} is not on PATH (`make tools` installs it)")
        told = {
            "monitor": self.address, "engine": self.address, "project": self.project.name,
            "stack": self.stack, "pwd": str(folder), "dry_run": str(self.preview).lower(),
            "parallel": str(PARALLEL), "organization": ORGANIZATION,
            "root_directory": str(self.project.folder),
        }  # fmt: skip
        options = [word for key, value in told.items() for word in (f"--{key}", value)]
        self._process = subprocess.Popen(
            [os.environ.get("PULUMI_PYTHON_CMD") or "python3", "-u", script, *options, str(place)],
            cwd=folder,
            env=os.environ
            | {
                "PULUMI_CONFIG": json.dumps(self.config),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(self.secret_keys),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
        )
        readers = [
            threading.Thread(target=forward, args=(stream, self.say), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for reader in readers:
            reader.start()
        status = self._process.wait()
        for reader in readers:
            reader.join(1)
        return status

    def end(self) -> None:
        """Have it end soon."""
        if self._process and self._process.poll() is None:
            self._process.terminate()


def plugin_environment(project: Project) -> dict[str, str]:
    """What plugins are started with."""
    return {**os.environ, "PULUMI_PROJECT": project.name, "PULUMI_ORGANIZATION": ORGANIZATION}


def folder_of(project: Project) -> Path:
    """Where programs and plugins run."""
    return project.program if project.program.is_dir() else project.program.parent
