"""Read a program's settings from its stack file: all mistakes at once, with file, key, value and remedy."""

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from infra.shared.model import Model

SETTINGS_KEY = "settings"
M = TypeVar("M", bound=Model)


class SettingsError(ValueError):
    """A stack file that can't be used. The message has one line for each mistake."""

    def __init__(self, file: Path, problems: Sequence[str]) -> None:
        self.file, self.problems = file, list(problems)
        super().__init__("\n".join(f"{_shown(file)}: {problem}" for problem in problems))


def stack_file(folder: Path, project: str, env: str) -> Path:
    """Where settings are: beside the program, or, if they are there, in $SWITCHBOARD_STACK_FILES."""
    elsewhere = os.environ.get("SWITCHBOARD_STACK_FILES")
    file = Path(elsewhere) / f"{project}.{env}.yaml" if elsewhere else folder
    return file if elsewhere and file.exists() else folder / f"Pulumi.{env}.yaml"


def load_settings(model: type[M], file: Path, project: str) -> M:
    """The settings under `config: <project>:settings:` of a stack file. Raises SettingsError."""
    config = _config(file)
    wanted = f"{project}:{SETTINGS_KEY}"
    if unknown := sorted(set(config) - {wanted}):
        problems = [
            f"{key}: {config[key]!r}: unknown key; all settings lie under {wanted}" for key in unknown
        ]
        raise SettingsError(file, problems)
    if wanted not in config:
        raise SettingsError(file, [f"{wanted}: missing; write the settings under this key"])
    try:
        return model.model_validate(config[wanted])
    except ValidationError as error:
        raise SettingsError(file, [_problem(model, dict(item)) for item in error.errors()]) from error


def schema(model: type[Model], project: str) -> str:
    """A JSON schema of the whole stack file, for editors (yaml-language-server)."""
    inner = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions = inner.pop("$defs", {})
    config = {
        "type": "object",
        "properties": {f"{project}:{SETTINGS_KEY}": inner},
        "required": [f"{project}:{SETTINGS_KEY}"],
        "additionalProperties": False,
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "config": config,
            "encryptionsalt": {"type": "string"},
            "secretsprovider": {"type": "string"},
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": definitions,
    }
    return json.dumps(whole, indent=2) + "\n"


def _config(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        known = ", ".join(
            sorted(path.stem.removeprefix("Pulumi.") for path in file.parent.glob("Pulumi.*.yaml"))
        )
        raise SettingsError(file, [f"no such file; environments that have one: {known or 'none'}"]) from error
    except yaml.YAMLError as error:
        raise SettingsError(file, [f"not YAML: {' '.join(str(error).split())}"]) from error
    config = content.get("config") if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise SettingsError(file, ["config: missing; the file needs a mapping with that name"])
    return config


def _problem(model: type[BaseModel], item: dict[str, Any]) -> str:
    """One line: key, value, what is wrong and what to do."""
    key = ".".join(str(part) for part in item["loc"]) or "(all)"
    if item["type"] == "extra_forbidden":
        return f"{key}: {item['input']!r}: unknown key; {_remedy_for_unknown(model, item['loc'])}"
    if item["type"] == "missing":
        return f"{key}: missing; add it"
    message = str(item["msg"]).removeprefix("Value error, ")
    value = (
        ""
        if item["type"] == "value_error" and isinstance(item["input"], dict | list)
        else f"{item['input']!r}: "
    )
    return f"{key}: {value}{message[0].lower()}{message[1:]}"


def _remedy_for_unknown(model: type[BaseModel], location: tuple[Any, ...]) -> str:
    """Name the key that was probably meant, else all that exist there."""
    fields = _fields_at(model.model_json_schema(), location[:-1])
    close = difflib.get_close_matches(str(location[-1]), fields, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it, or use one of: {', '.join(fields) or 'none'}"


def _fields_at(whole: dict[str, Any], location: tuple[Any, ...]) -> list[str]:
    here = _resolved(whole, whole)
    for part in location:
        if isinstance(part, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(part) or here.get("additionalProperties") or {}
        here = _resolved(whole, here if isinstance(here, dict) else {})
    return list(here.get("properties", {}))


def _resolved(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", []):
        if "$ref" in option or "properties" in option:
            node = option
    reference = str(node.get("$ref", ""))
    return whole["$defs"][reference.rpartition("/")[2]] if reference else node


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
