"""Pulumi stacks, driven by Pulumi's own command.

`python -m infra.shared.stack up|preview|destroy|outputs|env cluster|platform --env local`. State and
passphrase lie with the environment (infra/shared/paths.py). What a killed run left behind, a lock or an
unfinished operation, is cleared first.
"""

import argparse
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from infra.offline.engine import ensure_engine, own_path
from infra.offline.plugins import ensure_kubernetes_plugin
from infra.shared.command import CommandError
from infra.shared.killed import end_plugins, ends_soon
from infra.shared.paths import REPOSITORY, Paths
from infra.shared.progress import Progress
from infra.shared.settings import stack_file

Say = Callable[[str], None]
RUN_VARIABLE = "SWITCHBOARD_RUN"
"""In the environment of all that a run starts: which stack it works on."""


class StackInUseError(RuntimeError):
    """Another `pulumi` works on the stack right now."""

    def __init__(self, stack: str, pid: int) -> None:
        super().__init__(
            f"{stack} is being changed by another run (process {pid}); wait until it ends, or stop it"
        )


def _print(line: str) -> None:
    print(line, flush=True)


@dataclass(frozen=True)
class Stack:
    """One program (`cluster`, `platform`) in one environment. Methods raise CommandError."""

    program: str
    env: str = "local"
    say: Say = field(default=_print, compare=False)

    @property
    def project(self) -> str:
        """The Pulumi project's name."""
        return f"switchboard-{self.program}"

    @property
    def folder(self) -> Path:
        """Where the program is."""
        return REPOSITORY / "infra" / self.program

    def up(self, *options: str) -> None:
        """Bring everything to what the program says, what went missing included."""
        self._prepare()
        self._run("up", "--yes", "--skip-preview", "--refresh", "--suppress-outputs", *options)

    def preview(self, *options: str) -> None:
        """Show what `up` would change."""
        self._prepare()
        self._run("preview", "--suppress-outputs", *options)

    def destroy(self, *options: str) -> None:
        """Remove everything, and the stack with it. One that was never made is no error."""
        if not self.exists:
            return
        self._prepare()
        # What the cluster program made is removed dead or alive; a refresh would forget what is dead.
        refresh = ["--refresh"] if self.program == "platform" else []
        self._run("destroy", "--yes", "--skip-preview", *refresh, *options)
        # Not `destroy --remove`: that removes the stack file too.
        self.forget()

    def forget(self) -> None:
        """Remove the stack's record alone, for when what it describes is gone or goes with something else."""
        if self.exists:
            self._write_work()
            self._capture("stack", "rm", "--yes", "--force", "--preserve-config")
        paths = Paths.of(self.env)
        if any(paths.pulumi.glob(".pulumi/stacks/*/*.json")):
            return
        shutil.rmtree(paths.pulumi, ignore_errors=True)
        shutil.rmtree(paths.certs, ignore_errors=True)
        for file in (paths.passphrase, paths.engine, paths.images_lock, paths.kubeconfig):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # it may hold data that is to be kept
            paths.state.rmdir()
            paths.home.rmdir()

    def outputs(self, *, show_secrets: bool = True) -> dict[str, Any]:
        """The stack's outputs; empty where it was never made."""
        if not self.exists:
            return {}
        self._write_work()
        text = self._capture("stack", "output", "--json", *(["--show-secrets"] if show_secrets else []))
        values: dict[str, Any] = json.loads(text)
        return values

    @property
    def exists(self) -> bool:
        """Whether the stack was ever made."""
        return self._state_file.exists()

    @property
    def environment(self) -> dict[str, str]:
        """The environment that Pulumi and the programs run in."""
        paths = Paths.of(self.env)
        # The tools first, then the Python that runs this (the language host takes `python3` from PATH).
        path = [
            *_plugin_folders(self.env),
            str(paths.tools_bin),
            str(Path(sys.executable).parent),
            own_path(paths),
        ]
        python_path = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        return os.environ | {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join(part for part in python_path if part),
            "PULUMI_BACKEND_URL": f"file://{paths.pulumi}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_PYTHON_CMD": sys.executable,
            RUN_VARIABLE: self._run_name,
        }

    def shell(self) -> str:
        """What a shell evaluates to use `pulumi` itself on this stack."""
        self._prepare()
        changed = {name: value for name, value in self.environment.items() if os.environ.get(name) != value}
        exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(changed.items())]
        select = f"pulumi stack select organization/{self.project}/{self.env}"
        return "\n".join([*exports, f"cd {shlex.quote(str(self._work))}", select])

    @property
    def _run_name(self) -> str:
        return f"{Paths.of(self.env).pulumi}/{self.project}"

    def _prepare(self) -> None:
        """Have the backend, the passphrase and the stack; clear what a killed run left."""
        ensure_engine(self.env, self.say)
        if self.program == "platform":
            ensure_kubernetes_plugin(self.env, self.say)
        paths = Paths.of(self.env)
        for folder in (paths.state, paths.pulumi):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not paths.passphrase.exists():
            _write_secret(paths.passphrase, secrets.token_urlsafe(32))
        self._write_work()
        if not self.exists:
            self._capture("stack", "init", self.env, "--no-select")
            return
        self._clear_lock()
        self._clear_pending()

    @property
    def _work(self) -> Path:
        """Where Pulumi runs: a project that leads to the program, and the stack file.

        Pulumi adds the salt of this machine's passphrase to that, which is nothing to commit.
        """
        return Paths.of(self.env).pulumi / self.program

    def _write_work(self) -> None:
        self._work.mkdir(parents=True, exist_ok=True)
        project = yaml.safe_load((self.folder / "Pulumi.yaml").read_text())
        (self._work / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": "program"}))
        config = stack_file(self.folder, self.project, self.env)
        content = yaml.safe_load(config.read_text()) if config.exists() else {}
        copy = self._work / f"Pulumi.{self.env}.yaml"
        before = yaml.safe_load(copy.read_text()) if copy.exists() else {}
        salt = content.get("encryptionsalt") or before.get("encryptionsalt")
        copy.write_text(yaml.safe_dump(content | ({"encryptionsalt": salt} if salt else {}), sort_keys=False))
        link = self._work / "program"
        if not link.is_symlink() or link.readlink() != self.folder:
            link.unlink(missing_ok=True)
            link.symlink_to(self.folder)

    def _clear_lock(self) -> None:
        folder = Paths.of(self.env).pulumi / f".pulumi/locks/organization/{self.project}/{self.env}"
        for lock in sorted(folder.glob("*.json")):
            pid = int(json.loads(lock.read_text()).get("pid", 0))
            if not ends_soon(pid):
                raise StackInUseError(f"{self.project}/{self.env}", pid)
            self.say(f"{self.project}: clearing the lock of a run that was killed (process {pid})")
            end_plugins(RUN_VARIABLE, self._run_name)
            lock.unlink(missing_ok=True)

    def _clear_pending(self) -> None:
        deployment = json.loads(self._state_file.read_text())["checkpoint"].get("latest") or {}
        pending = deployment.get("pending_operations") or []
        if not pending:
            return
        names = ", ".join(sorted(item["resource"]["urn"].rpartition("::")[2] for item in pending))
        self.say(f"{self.project}: a run was cut off while it worked on {names}; looking at what is there")
        self._run("refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--suppress-outputs")

    @property
    def _state_file(self) -> Path:
        return Paths.of(self.env).pulumi / f".pulumi/stacks/{self.project}/{self.env}.json"

    def _command(self, words: Sequence[str]) -> list[str]:
        stack = f"organization/{self.project}/{self.env}"
        scope = [] if words[:2] == ["stack", "init"] else ["--stack", stack]
        return ["pulumi", *words, *scope, "--non-interactive", "--cwd", str(self._work)]

    def _run(self, *words: str) -> None:
        """Run Pulumi and pass on each line as it comes."""
        command = self._command(list(words))
        lines: list[str] = []
        progress = Progress()
        with subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                for kept in progress.kept(line.rstrip()):
                    self.say(kept)
        if process.returncode != 0:
            raise CommandError(command, process.returncode, "".join(lines))

    def _capture(self, *words: str) -> str:
        command = self._command(list(words))
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CommandError(command, done.returncode, done.stdout + done.stderr)
        return done.stdout


@cache
def _plugin_folders(env: str) -> tuple[str, ...]:
    """The plugin's too: it is asked for whenever its package is installed, used or not."""
    return tuple(str(ensure(env, say=lambda _: None)) for ensure in (ensure_kubernetes_plugin, ensure_engine))


def _tell_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _write_secret(path: Path, value: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)


def main() -> int:
    """Run one action; an error is one message, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m infra.shared.stack", description=__doc__)
    parser.add_argument("action", choices=("up", "preview", "destroy", "outputs", "env"))
    parser.add_argument("program", choices=("cluster", "platform"))
    parser.add_argument("--env", default="local")
    parser.add_argument("--show-secrets", action="store_true", help="with outputs: in plain text")
    args = parser.parse_args()
    # Nothing but what a shell is to evaluate may go to stdout then
    say = _tell_stderr if args.action == "env" else _print
    stack = Stack(args.program, args.env, say)
    try:
        if args.action == "outputs":
            print(json.dumps(stack.outputs(show_secrets=args.show_secrets), indent=2))
        elif args.action == "env":
            print(stack.shell())
        else:
            getattr(stack, args.action)()
    except CommandError as error:
        print(f"pulumi {args.action} of {stack.project} failed with status {error.status}", file=sys.stderr)
        return 1
    except StackInUseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
