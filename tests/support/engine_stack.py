"""A Pulumi stack of dynamic resources, which are files in a folder, run by the stand-in for the engine."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.offline.engine import FORCE, ensure_engine
from infra.shared.paths import Paths

HEAD = """
import os, sys, time
from pathlib import Path
import pulumi
from pulumi import Output, ResourceOptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

PLACE = Path(os.environ["PLACE"])

class FileProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        name = props["name"]
        if props["text"] == "slow":
            (PLACE / f"{name}.begun").touch()
            time.sleep(60)
        if props["text"] == "bad":
            raise RuntimeError(f"{name} is not to be made")
        (PLACE / name).write_text(str(props["text"]))
        with (PLACE / "log").open("a") as log:
            log.write(f"+{name} ")
        return CreateResult(name, {**props, "size": len(str(props["text"]))})

    def diff(self, _id, olds, news):
        replaces = [key for key in ("name", "kind") if olds.get(key) != news.get(key)]
        changes = bool(replaces) or olds.get("text") != news.get("text")
        return DiffResult(changes, replaces, delete_before_replace=replaces == ["kind"])

    def update(self, _id, olds, news):
        (PLACE / news["name"]).write_text(str(news["text"]))
        return UpdateResult({**news, "size": len(str(news["text"]))})

    def read(self, id_, props):
        file = PLACE / id_
        if not file.exists():
            return ReadResult("", props)
        return ReadResult(id_, {**props, "text": file.read_text()}, {**props, "text": file.read_text()})

    def delete(self, id_, props):
        print(f"removing {id_}", file=sys.stderr, flush=True)
        with (PLACE / "log").open("a") as log:
            log.write(f"-{id_} ")
        (PLACE / id_).unlink(missing_ok=True)

class File(Resource, module="test", name="File"):
    size: Output[int]
    text: Output[str]

    def __init__(self, name, text, kind="a", opts=None, **more):
        props = {"name": more.get("file", name), "text": text, "kind": kind, "size": None}
        super().__init__(FileProvider(), name, props, opts)

"""


@dataclass
class Ran:
    """One finished command."""

    status: int
    output: str
    changes: dict[str, int] = field(default_factory=dict)


class EngineStack:
    """Programs that are run one after another are versions of one and the same."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, project: str = "trial") -> None:
        monkeypatch.setenv(FORCE, "standin")
        engine, tools = ensure_engine(say=lambda _: None), Paths.of().tools_bin
        if not (tools / "pulumi-language-python-exec").exists():
            pytest.skip("no pulumi-language-python-exec (`make tools`)")
        self.folder, self.project = folder / project, project
        self.place, self.backend = folder / f"{project}-files", folder / "state"
        for made in (self.folder, self.place, self.backend):
            made.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
        self.env = os.environ | {
            "PATH": f"{engine}:{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}",
            "PLACE": str(self.place),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_HOME": str(folder / "home"),
        }
        self.run("stack", "init", "test")

    @property
    def state_file(self) -> Path:
        return self.backend / f".pulumi/stacks/{self.project}/test.json"

    def latest(self) -> dict[str, Any]:
        """The state, as it is on disk."""
        return dict(json.loads(self.state_file.read_text())["checkpoint"]["latest"])

    def ids(self) -> list[str]:
        """The ids of all files in the state."""
        found = self.latest().get("resources", [])
        return sorted(it["id"] for it in found if it["type"].endswith(":File") and not it.get("delete"))

    def files(self) -> dict[str, str]:
        """The files that there are."""
        return {path.name: path.read_text() for path in self.place.iterdir() if path.name != "log"}

    def log(self) -> list[str]:
        """What was made and removed since the last call, in that order."""
        file = self.place / "log"
        text = file.read_text() if file.exists() else ""
        file.unlink(missing_ok=True)
        return text.split()

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(HEAD + textwrap.dedent(program))

    def up(self, program: str, *options: str) -> Ran:
        done = self.try_up(program, *options)
        assert done.status == 0, done.output
        return done

    def try_up(self, program: str, *options: str) -> Ran:
        self.write(program)
        return self.change("up", *options)

    def change(self, *words: str) -> Ran:
        """Run one of the commands that change or might change something."""
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        confirm = [] if words[0] == "preview" else ["--yes", "--skip-preview"]
        done = self.run(*words, *confirm, "--event-log", str(log), check=False)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        steps: dict[str, int] = next((it["summaryEvent"]["resourceChanges"] for it in events), {})
        done.changes = {op: count for op, count in steps.items() if op != "same"}
        return done

    def run(self, *words: str, check: bool = True) -> Ran:
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return Ran(done.returncode, done.stdout + done.stderr)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command, and do not wait for it."""
        return subprocess.Popen(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
