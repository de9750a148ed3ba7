"""What an existing resource needs to become what the program wants. Nothing here does anything."""

import re
from dataclasses import dataclass, field
from typing import Literal

from infra.offline.pulumi_engine.kinds import Diff
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, Props

Action = Literal["same", "update", "replace", "delete-first"]


@dataclass
class Goal:
    """A resource as the program wants it, and how to get there."""

    resource: Resource
    aliases: list[str] = field(default_factory=list)
    """Names in full that it may have had before."""
    import_id: str = ""
    delete_first: bool | None = None
    """On replacement: as the program says, or as the plugin does."""
    version: str = ""
    """Of the plugin."""


def decide(diff: Diff, old: Resource, goal: Goal) -> Action:
    """What an existing resource needs."""
    watched = goal.resource.replaceOnChanges
    forced = any(path == it or path.startswith((f"{it}.", f"{it}[")) for it in watched for path in diff.paths)
    if diff.replaces or (diff.changes and (forced or "*" in watched)):
        first = diff.delete_first if goal.delete_first is None else goal.delete_first
        return "delete-first" if first else "replace"
    return "update" if diff.changes or old.initErrors else "same"


def ignoring(new: Props, old: Props, paths: list[str]) -> Props:
    """The new inputs with what `ignore_changes` names as it was."""
    kept = dict(new)
    for path in paths:
        if not re.fullmatch(r"[\w/-]+(\.[\w/-]+)*", path):
            raise EngineError(
                f"ignore_changes: {path!r}: only names joined by dots are served by the stand-in"
            )
        head, _, rest = path.partition(".")
        before = old.get(head)
        if rest and isinstance(before, dict) and isinstance(kept.get(head), dict):
            kept[head] = ignoring(kept[head], before, [rest])
        elif rest:
            continue
        elif head in old:
            kept[head] = before
        else:
            kept.pop(head, None)
    return kept
