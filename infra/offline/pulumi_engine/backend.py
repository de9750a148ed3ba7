"""The file backend: where stacks are kept, who works on one, and a stack's state, saved after each step."""

import getpass
import hashlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from infra.offline.pulumi_engine.crypt import Crypter, passphrase
from infra.offline.pulumi_engine.project import ORGANIZATION
from infra.offline.pulumi_engine.resource import STACK, Resource
from infra.offline.pulumi_engine.values import EngineError, Props


def now() -> str:
    """The time, as the state has it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Backend:
    """`root` is the folder `.pulumi`."""

    root: Path

    @classmethod
    def open(cls) -> Self:
        """The one that $PULUMI_BACKEND_URL names."""
        url = os.environ.get("PULUMI_BACKEND_URL", "")
        if not url.startswith("file://"):
            raise EngineError(f"PULUMI_BACKEND_URL={url!r}: only file:// is served by the stand-in")
        place = Path(url.removeprefix("file://")).expanduser()
        if not place.is_dir():
            raise EngineError(f"PULUMI_BACKEND_URL={url!r}: no such folder")
        return cls(place / ".pulumi")

    def file(self, project: str, stack: str) -> Path:
        return self.root / "stacks" / project / f"{stack}.json"

    def stacks(self, project: str) -> list[str]:
        return sorted(path.stem for path in (self.root / "stacks" / project).glob("*.json"))

    def locks(self, project: str, stack: str) -> Path:
        return self.root / "locks" / ORGANIZATION / project / stack

    @contextmanager
    def locked(self, project: str, stack: str) -> Iterator[None]:
        """Keep others off the stack. Raises EngineError where one of them is at work."""
        folder = self.locks(project, stack)
        folder.mkdir(parents=True, exist_ok=True)
        ours = folder / f"{uuid.uuid4()}.json"
        about = {"pid": os.getpid(), "username": getpass.getuser(), "hostname": socket.gethostname()}
        ours.write_text(json.dumps({**about, "timestamp": now()}))
        try:
            if others := [path for path in folder.glob("*.json") if path != ours]:
                held = "\n".join(f"  {path}" for path in others)
                raise EngineError(
                    f"the stack is currently locked by {len(others)} lock(s). Either wait for the other "
                    f"process(es) to end or delete the lock file with `pulumi cancel`.\n{held}"
                )
            yield
        finally:
            ours.unlink(missing_ok=True)


@dataclass
class State:
    """A stack's state. Safe to use from many threads; every change is on disk when the call returns."""

    file: Path
    stack: str
    crypter: Crypter
    resources: list[Resource] = field(default_factory=list)
    """What there was before this run, without what was superseded or deleted since."""
    fresh: list[Resource] = field(default_factory=list)
    """What this run has seen to, in an order in which nothing comes before what it needs."""
    pending: list[dict[str, Any]] = field(default_factory=list)
    """Operations that a run before this one began and did not end."""
    persistent: bool = True
    """False in a preview."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._texts: dict[int, tuple[Resource, str]] = {}
        self._begun: dict[int, dict[str, Any]] = {}

    @classmethod
    def create(cls, file: Path, name: str, salt: str | None) -> Self:
        """A new stack, with nothing in it."""
        if file.exists():
            raise EngineError(f"stack '{name}' already exists")
        file.parent.mkdir(parents=True, exist_ok=True)
        meta = file.parents[2] / "meta.yaml"
        if not meta.exists():
            meta.write_text("version: 1\n")
        made = cls(file, name, Crypter(passphrase(), salt))
        made.save()
        return made

    @classmethod
    def load(cls, file: Path, salt: str | None = None) -> Self:
        """A stack as it was left. `salt`: that of its settings, where they have one."""
        if not file.exists():
            raise EngineError(f"no stack named '{file.stem}' found")
        content = json.loads(file.read_text())
        if content.get("version") != 3:
            raise EngineError(f"{file}: version {content.get('version')} of the state is not served, only 3")
        latest = content["checkpoint"].get("latest") or {}
        provider = latest.get("secrets_providers") or {}
        if provider.get("type", "passphrase") != "passphrase":
            raise EngineError(f"{file}: secrets provider {provider['type']!r} is not served")
        crypter = Crypter(passphrase(), (provider.get("state") or {}).get("salt") or salt)
        resources = [Resource.from_json(item, crypter) for item in latest.get("resources") or ()]
        pending = latest.get("pending_operations") or []
        return cls(file, content["checkpoint"]["stack"], crypter, resources, [], pending)

    @property
    def name(self) -> str:
        """The stack's name as resources have it in theirs."""
        return self.file.stem

    @property
    def all(self) -> list[Resource]:
        """What there is now."""
        return [*self.fresh, *self.resources]

    def outputs(self) -> Props:
        """What the program exported; empty where it never ran."""
        root = next((item for item in self.all if item.type == STACK and not item.delete), None)
        return root.outputs if root else {}

    def begin(self, resource: Resource, operation: str) -> None:
        """Note that something is done to a resource: it is not known how far it came if it never ends."""
        with self._lock:
            self._begun[id(resource)] = {"resource": resource.to_json(self.crypter), "type": operation}
            self.save()

    def end(self, resource: Resource) -> None:
        """Note that it was done, well or not."""
        with self._lock:
            self._begun.pop(id(resource), None)
            self.save()

    def put(self, new: Resource, old: Resource | None = None, replaced: Resource | None = None) -> None:
        """Have a resource as the program has it now, `old` no more, and `replaced` to be deleted."""
        with self._lock:
            if replaced is not None:
                replaced.delete = True
                self._texts.pop(id(replaced), None)
            self._begun.pop(id(new), None)
            new.modified = now()
            new.created = new.created or new.modified
            self.fresh.append(new)
            self.pending = [item for item in self.pending if item["resource"]["urn"] != new.urn]
            if old is not None:
                self.drop(old, save=False)
            self._texts.pop(id(new), None)
            self.save()

    def keep(self, new: Resource, old: Resource) -> None:
        """As `put` where nothing has changed that would be missed: the next step writes it down."""
        with self._lock:
            self.fresh.append(new)
            self.drop(old, save=False)

    def changed(self, *resources: Resource) -> None:
        """Note changes inside of resources that are there."""
        with self._lock:
            for resource in resources:
                self._texts.pop(id(resource), None)
            self.save()

    def drop(self, resource: Resource, *, save: bool = True) -> None:
        """Note that a resource is no more."""
        with self._lock:
            self._begun.pop(id(resource), None)
            for items in (self.resources, self.fresh):
                if resource in items:
                    items.remove(resource)
            if save:
                self.save()

    def save(self) -> None:
        """Write all of it down, in one piece."""
        if not self.persistent:
            return
        with self._lock:
            operations = [*self.pending, *self._begun.values()]
            ahead = {
                "manifest": _manifest(),
                "secrets_providers": {"type": "passphrase", "state": {"salt": self.crypter.salt}},
            }
            parts = [f"{json.dumps(ahead)[:-1]}"]
            parts.append(f', "resources": [{", ".join(map(self._text, self.all))}]' if self.all else "")
            parts.append(f', "pending_operations": {json.dumps(operations)}' if operations else "")
            head = f'{{"version": 3, "checkpoint": {{"stack": {json.dumps(self.stack)}, "latest": '
            fresh = self.file.with_suffix(f".{os.getpid()}.tmp")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(head + "".join(parts) + "}}}\n")
            fresh.replace(self.file)

    def _text(self, resource: Resource) -> str:
        """Kept, for speed and so that what is unchanged stays the same letter by letter."""
        if id(resource) not in self._texts:
            self._texts[id(resource)] = (resource, json.dumps(resource.to_json(self.crypter)))
        return self._texts[id(resource)][1]

    def remove(self) -> None:
        """Remove the stack's record."""
        for path in (self.file, self.file.with_suffix(".json.bak")):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # other stacks of the project
            self.file.parent.rmdir()


@cache
def _version() -> str:
    return f"v{version('pulumi')}"


def _manifest() -> Props:
    return {"time": now(), "magic": hashlib.sha256(_version().encode()).hexdigest(), "version": _version()}
