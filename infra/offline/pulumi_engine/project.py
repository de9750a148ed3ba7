"""A project's folder: Pulumi.yaml, a file for each stack, and which stack is selected."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from infra.offline.pulumi_engine.crypt import Crypter
from infra.offline.pulumi_engine.values import EngineError

ORGANIZATION = "organization"
"""The one that every stack of the file backend is in."""


@dataclass(frozen=True)
class Project:
    """`folder` holds Pulumi.yaml, whose content is `settings`."""

    folder: Path
    settings: dict[str, Any]

    @classmethod
    def find(cls, here: Path) -> Self:
        """The project of a folder, or of the nearest above it."""
        for folder in (here, *here.parents):
            if (file := folder / "Pulumi.yaml").exists():
                return cls(folder, yaml.safe_load(file.read_text()))
        raise EngineError(f"no Pulumi.yaml project file found in {here} or above it")

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    @property
    def program(self) -> Path:
        """The folder or file that is run."""
        runtime = self.settings.get("runtime")
        language = runtime.get("name") if isinstance(runtime, dict) else runtime
        if language != "python":
            raise EngineError(f"{self.folder}/Pulumi.yaml: runtime {language!r}: only `python` is served")
        return (self.folder / str(self.settings.get("main", "."))).resolve()

    def select(self, stack: str) -> None:
        self._selection.parent.mkdir(parents=True, exist_ok=True)
        self._selection.write_text(json.dumps({"stack": f"{ORGANIZATION}/{self.name}/{stack}"}))

    def selected(self) -> str:
        """The stack to work on where no --stack says it."""
        if not self._selection.exists():
            raise EngineError("no stack selected; use `pulumi stack select` or --stack")
        return str(json.loads(self._selection.read_text())["stack"]).rpartition("/")[2]

    @property
    def _selection(self) -> Path:
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        digest = hashlib.sha1(str(self.folder / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
        return home / "workspaces" / f"{self.name}-{digest}-workspace.json"

    def stack_settings(self, stack: str) -> "StackSettings":
        return StackSettings(self.folder / f"Pulumi.{stack}.yaml")


@dataclass(frozen=True)
class StackSettings:
    """A stack's file: its configuration, and the salt of its passphrase."""

    file: Path

    def _content(self) -> dict[str, Any]:
        return (yaml.safe_load(self.file.read_text()) or {}) if self.file.exists() else {}

    @property
    def salt(self) -> str | None:
        return self._content().get("encryptionsalt")

    def remember(self, salt: str) -> None:
        if self.salt != salt:
            content = {**self._content(), "encryptionsalt": salt}
            self.file.write_text(yaml.safe_dump(content, sort_keys=False))

    def config(self, crypter: Crypter) -> tuple[dict[str, str], list[str]]:
        """The configuration in plain text, as the SDK wants it, and the keys that have secrets in them."""
        found, secrets = {}, []
        for key, value in (self._content().get("config") or {}).items():
            known = _decrypted(value, crypter)
            found[key] = known if isinstance(known, str) else json.dumps(known)
            if known != value:
                secrets.append(key)
        return found, secrets


def _decrypted(value: Any, crypter: Crypter) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return crypter.decrypt(value["secure"])
        return {key: _decrypted(item, crypter) for key, item in value.items()}
    return [_decrypted(item, crypter) for item in value] if isinstance(value, list) else value
