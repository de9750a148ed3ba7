"""A Pulumi stack in a folder of its own, run by the real engine with the stand-in plugin."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.offline.engine import ensure_engine
from infra.offline.plugins import FORCE, ensure_kubernetes_plugin
from infra.shared.paths import Paths


@dataclass(frozen=True)
class Done:
    """One finished command of Pulumi's."""

    status: int
    output: str
    steps: dict[str, int]
    """How many resources had which step: `create`, `update`, `replace`, `delete`, `same`."""

    @property
    def changes(self) -> dict[str, int]:
        """The steps that changed something."""
        return {step: count for step, count in self.steps.items() if step != "same" and count}


class Stack:
    """Programs that are run one after another are versions of one and the same."""

    def __init__(self, folder: Path, kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv(FORCE, "standin")
        plugin, tools = ensure_kubernetes_plugin(say=lambda _: None), Paths.of().tools_bin
        engine = ensure_engine(say=lambda _: None)
        if not shutil.which("pulumi", path=f"{engine}:{tools}:{os.environ['PATH']}"):
            pytest.skip("no pulumi (`make tools`)")
        (folder / "state").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
        self.env = {
            **os.environ,
            "KUBECONFIG": kubeconfig,
            "PATH": f"{engine}:{plugin}:{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DEBUG_COMMANDS": "1",  # else there is no --event-log
        }
        self._run("stack", "init", "test")

    def up(self, program: str, *options: str) -> Done:
        """`pulumi up` of a program; the imports are given. Asserts that it went well."""
        done = self.try_up(program, *options)
        assert done.status == 0, done.output
        return done

    def try_up(self, program: str, *options: str) -> Done:
        self._write(program)
        return self._changing("up", "--skip-preview", *options)

    def preview(self, program: str) -> Done:
        self._write(program)
        return self._changing("preview")

    def destroy(self) -> Done:
        return self._changing("destroy", "--skip-preview")

    def state(self) -> str:
        """The stack as the backend keeps it."""
        return (self.folder / "state/.pulumi/stacks/trial/test.json").read_text()

    def outputs(self) -> dict[str, Any]:
        return dict(json.loads(self._run("stack", "output", "--json").output))

    def program(self, text: str) -> str:
        return "import pulumi\nimport pulumi_kubernetes as k8s\n" + textwrap.dedent(text)

    def _write(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(self.program(text))

    def _changing(self, *words: str) -> Done:
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        confirm = [] if words[0] == "preview" else ["--yes"]
        done = self._run(*words, *confirm, "--diff", "--event-log", str(log), check=False)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        summaries = [event["summaryEvent"] for event in events if "summaryEvent" in event]
        steps = summaries[-1]["resourceChanges"] if summaries else {}
        return Done(done.status, done.output, steps)

    def _run(self, *words: str, check: bool = True) -> Done:
        done = subprocess.run(
            ["pulumi", *words, "--stack", "test", "--non-interactive"] if words[0] != "stack" else
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return Done(done.returncode, done.stdout + done.stderr, {})
