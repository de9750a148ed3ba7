"""The command `pulumi`: its words and options."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from infra.offline.pulumi_engine.backend import Backend, State
from infra.offline.pulumi_engine.display import Display
from infra.offline.pulumi_engine.project import ORGANIZATION, Project
from infra.offline.pulumi_engine.session import Session
from infra.offline.pulumi_engine.values import EngineError, hidden, plain

_FAILED = 255
_HEADINGS = {
    "up": "Updating",
    "preview": "Previewing update",
    "destroy": "Destroying",
    "refresh": "Refreshing",
}


class Command:
    """One command line, with what it works on."""

    def __init__(self, words: argparse.Namespace) -> None:
        self.words = words
        self.backend = Backend.open()
        self.project = Project.find(Path.cwd())

    @property
    def stack(self) -> str:
        """The stack's name alone."""
        return self._name(self.words.stack) if self.words.stack else self.project.selected()

    def _name(self, text: str) -> str:
        *owner, name = text.split("/")
        if owner not in ([], [ORGANIZATION], [ORGANIZATION, self.project.name]):
            raise EngineError(
                f"stack {text!r}: say NAME or {ORGANIZATION}/{self.project.name}/NAME in this project"
            )
        return name

    @property
    def file(self) -> Path:
        return self.backend.file(self.project.name, self.stack)

    def state(self) -> State:
        """The stack's state; its salt is known to the stack's settings then."""
        settings = self.project.stack_settings(self.stack)
        state = State.load(self.file, settings.salt)
        settings.remember(state.crypter.salt)
        return state

    def init(self) -> None:
        name = self._name(self.words.name)
        settings = self.project.stack_settings(name)
        state = State.create(
            self.backend.file(self.project.name, name),
            f"{ORGANIZATION}/{self.project.name}/{name}",
            settings.salt,
        )
        settings.remember(state.crypter.salt)
        if not self.words.no_select:
            self.project.select(name)
        print(f"Created stack '{name}'")

    def select(self) -> None:
        name = self._name(self.words.name or self.words.stack or "")
        if not self.backend.file(self.project.name, name).exists():
            raise EngineError(f"no stack named '{name}' found")
        self.project.select(name)

    def list_stacks(self) -> None:
        print("\n".join(self.backend.stacks(self.project.name)))

    def remove(self) -> None:
        state = self.state()
        if state.all and not self.words.force:
            raise EngineError(f"'{self.stack}' still has resources; removal rejected (--force overrides)")
        state.remove()
        if not self.words.preserve_config:
            self.project.stack_settings(self.stack).file.unlink(missing_ok=True)
        print(f"Stack '{self.stack}' has been removed!")

    def output(self) -> None:
        values = self.state().outputs()
        shown = plain(values) if self.words.show_secrets else hidden(values)
        if self.words.key:
            if self.words.key not in shown:
                raise EngineError(f"current stack does not have output property '{self.words.key}'")
            value = shown[self.words.key]
            print(json.dumps(value) if self.words.json or not isinstance(value, str) else value)
        elif self.words.json:
            print(json.dumps(shown, indent=2))
        else:
            print(f"Current stack outputs ({len(shown)}):")
            print("\n".join(f"    {key}  {json.dumps(value)}" for key, value in shown.items()))

    def export(self) -> None:
        latest = json.loads(self.file.read_text())["checkpoint"].get("latest")
        print(json.dumps({"version": 3, "deployment": latest}, indent=4))

    def cancel(self) -> None:
        self._agreed()
        for lock in self.backend.locks(self.project.name, self.stack).glob("*.json"):
            lock.unlink(missing_ok=True)
        print(f"The currently running update for '{self.stack}' has been canceled!")

    def _agreed(self) -> None:
        if not self.words.yes:
            raise EngineError("--yes must be passed in to proceed when running in non-interactive mode")

    def change(self) -> None:
        """up, preview, destroy, refresh."""
        action, preview = self.words.command, self.words.command == "preview"
        if not preview:
            self._agreed()
        lock = contextlib.nullcontext() if preview else self.backend.locked(self.project.name, self.stack)
        with lock:
            state = self.state()
            state.persistent = not preview
            display = Display(diff=self.words.diff, preview=preview, log=self.words.event_log)
            display.heading(f"{_HEADINGS[action]} ({self.stack})")
            self._pending(state, display)
            arguments = (self.backend, self.project, self.stack, state, display)
            with Session.started(*arguments, preview=preview) as session:
                went_well = session.attempt(*self._parts(session))
            if action == "up" and not self.words.suppress_outputs:
                display.outputs(state.outputs())
            display.end(failed=not went_well)
        if not went_well:
            raise EngineError(f"{'preview' if preview else 'update'} failed")

    def _parts(self, session: Session) -> list[Callable[[], None]]:
        if self.words.command == "refresh":
            return [lambda: session.refresh(count=True)]
        look = [lambda: session.refresh(count=False)] if self.words.refresh else []
        return [*look, session.destroy if self.words.command == "destroy" else session.update]

    def _pending(self, state: State, display: Display) -> None:
        """What a run before this one did not end. Only what it may have created is worth remembering."""
        if getattr(self.words, "clear_pending_creates", False):
            state.pending = []
        state.pending = [item for item in state.pending if item["type"] == "creating"]
        for item in state.pending:
            urn = item["resource"]["urn"]
            display.message("", f"{urn}: a run was interrupted while creating it", "warning")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-C", "--cwd", help="run as if started in this folder")
    common.add_argument("-s", "--stack", help="the stack to work on")
    common.add_argument("--non-interactive", action="store_true", help="always so with the stand-in")
    common.add_argument("--color", help="there is none with the stand-in")
    parser = argparse.ArgumentParser(prog="pulumi", allow_abbrev=False, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(
        to: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, *flags: str
    ) -> argparse.ArgumentParser:
        found = to.add_parser(name, parents=[common], allow_abbrev=False)
        for flag in flags:
            found.add_argument(*flag.split("|"), action="store_true")
        return found

    add(commands, "version")
    for name, flags in {
        "up": ("-r|--refresh",),
        "preview": ("-r|--refresh",),
        "destroy": ("-r|--refresh",),
        "refresh": ("--clear-pending-creates",),
    }.items():
        changing = add(
            commands, name, *flags, "-y|--yes", "-f|--skip-preview", "--diff", "--suppress-outputs"
        )
        changing.add_argument("--event-log", type=Path, help="a file for what was done, as JSON")
    add(commands, "cancel", "-y|--yes")
    stack = commands.add_parser("stack").add_subparsers(dest="subcommand", required=True)
    add(stack, "init", "--no-select").add_argument("name")
    add(stack, "select").add_argument("name", nargs="?")
    add(stack, "ls")
    add(stack, "export")
    add(stack, "rm", "-y|--yes", "-f|--force", "--preserve-config").add_argument("name", nargs="?")
    add(stack, "output", "-j|--json", "--show-secrets").add_argument("key", nargs="?")
    plugin = commands.add_parser("plugin").add_subparsers(dest="subcommand", required=True)
    add(plugin, "install").add_argument("words", nargs="*")
    return parser


def _run(words: argparse.Namespace) -> None:
    if words.command == "version":
        # A version of its own: no one is to take it for the real one
        print(f"v0.0.0 (a stand-in for Pulumi {version('pulumi')})")
        return
    if words.command == "plugin":
        raise EngineError("the stand-in for Pulumi's engine installs no plugins: put them on PATH")
    command = Command(words)
    if words.command == "stack":
        if words.subcommand == "rm" and words.name:
            words.stack = words.name
        table = {"init": command.init, "select": command.select, "ls": command.list_stacks,
                 "export": command.export, "rm": command.remove, "output": command.output}  # fmt: skip
        table[words.subcommand]()
    elif words.command == "cancel":
        command.cancel()
    else:
        command.change()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Answers its exit status."""
    words = _parser().parse_args(arguments)
    if words.cwd:
        os.chdir(words.cwd)
    try:
        _run(words)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    return 0
