"""What the command prints, and the log of events. As Pulumi's display where nobody sits at the keyboard."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from infra.offline.pulumi_engine.resource import STACK, Resource, name_of, type_of
from infra.offline.pulumi_engine.values import Props, hidden

Op = Literal[
    "same", "create", "update", "delete", "replace", "create-replacement", "delete-replaced",
    "read", "refresh", "import", "discard",
]  # fmt: skip

_WORDS: dict[str, tuple[str, str, str]] = {
    "same": ("  ", "", ""),
    "create": (" +", "creating", "created"),
    "update": (" ~", "updating", "updated"),
    "delete": (" -", "deleting", "deleted"),
    "replace": ("+-", "replacing", "replaced"),
    "create-replacement": ("++", "creating replacement", "created replacement"),
    "delete-replaced": ("--", "deleting original", "deleted original"),
    "read": (" >", "reading", "read"),
    "refresh": (" ~", "refreshing", "refresh"),
    "import": (" =", "importing", "imported"),
    "discard": (" <", "discarding", "discarded"),
}
"""Mark, and what is said while and after it is done."""

_UNCOUNTED = {"create-replacement", "delete-replaced", "refresh"}
"""Parts of what is counted as something else, or no change."""


class Display:
    """Safe to use from many threads."""

    def __init__(self, *, diff: bool, preview: bool, log: Path | None) -> None:
        self._diff, self._preview, self._log = diff, preview, log
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._said: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.errors = 0
        self.root = ""
        """The stack's own resource, which is told what belongs to none."""

    def heading(self, text: str) -> None:
        self._print(f"{text}:", "")

    def _print(self, *lines: str) -> None:
        with self._lock:
            for line in lines:
                print(line, flush=True)

    def _line(self, urn: str, text: str, mark: str = "  ") -> str:
        return f"{mark}  {type_of(urn)} {name_of(urn)} {text}".rstrip()

    def done(self, op: Op, resource: Resource, *, count: bool = True) -> None:
        """Say a step that takes no time."""
        if resource.is_default_provider:
            return
        if count and op not in _UNCOUNTED:
            self.counts[op] += 1
        mark, _, after = _WORDS[op]
        self._print(self._line(resource.urn, op if self._preview and after else after, mark))

    @contextmanager
    def step(self, op: Op, resource: Resource, *, count: bool = True) -> Iterator[None]:
        """Say a step's begin and end."""
        if resource.is_default_provider:
            yield
            return
        if self._preview:
            self.done(op, resource, count=count)
            yield
            return
        if count and op not in _UNCOUNTED:
            self.counts[op] += 1
        mark, during, after = _WORDS[op]
        began = time.monotonic()
        self._print(self._line(resource.urn, f"{during} (0s)", mark))
        try:
            yield
        except Exception:
            self._print(self._line(resource.urn, f"**{during} failed**", mark))
            raise
        self._print(self._line(resource.urn, f"{after} ({time.monotonic() - began:.2f}s)", mark))

    def changes(self, resource: Resource, old: Props, new: Props) -> None:
        """With --diff: what of the inputs changes."""
        if self._diff:
            lines = list(difference(hidden(old), hidden(new), 8))
            self._print(f"    [urn={resource.urn}]", *lines)

    def message(self, urn: str, text: str, severity: str = "info") -> None:
        """Say what a program or a plugin says."""
        urn = urn or self.root
        ahead = "" if severity == "info" else f"{severity}: "
        self.errors += severity == "error"
        lines = f"{ahead}{text.rstrip()}".splitlines()
        if severity != "info":
            with self._lock:
                self._said.setdefault(urn, []).extend(lines)
        if self._diff or not urn:
            self._print(*lines)
        elif severity == "info":
            self._print(*(self._line(urn, f"running {line}") for line in lines))

    def outputs(self, values: Props) -> None:
        """Say what the program exported."""
        if values:
            self._print("Outputs:", *difference({}, hidden(values), 4), "")

    def end(self, *, failed: bool) -> None:
        """Say errors and warnings once more, together, and what was done; write the log."""
        if not self._diff and self._said:
            self._print("Diagnostics:")
            for urn, lines in self._said.items():
                title = f"  {type_of(urn)} ({name_of(urn)}):" if urn else f"  {STACK}:"
                self._print(title, *(f"    {line}" for line in lines), "")
        seconds = int(time.monotonic() - self._began)
        self._print("Resources:")
        for op, count in sorted(self.counts.items()):
            mark, _, after = _WORDS[op]
            done = "unchanged" if op == "same" else f"to {op}" if self._preview else after
            self._print(f"    {mark.strip()}{' ' if len(mark.strip()) == 1 else ''}{count} {done}")
        self._print("", f"Duration: {seconds}s")
        if self._log:
            result = "failed" if failed else "succeeded"
            summary = {
                "maybeCorrupt": False, "durationSeconds": seconds, "resourceChanges": dict(self.counts),
                "PolicyPacks": {}, "isPreview": self._preview, "result": result,
            }  # fmt: skip
            event = {"sequence": 0, "timestamp": int(time.time()), "summaryEvent": summary}
            self._log.write_text(json.dumps(event) + "\n")


def difference(old: Any, new: Any, indent: int) -> Iterator[str]:
    """The lines that tell two values apart: ` ~ replicas: 5 => 2`."""
    keys = list({**old, **new}) if isinstance(old, dict) else list(range(max(len(old), len(new))))
    for key in keys:
        before, after = (_at(item, key) for item in (old, new))
        if before == after or key == "__provider":
            continue
        label = f"[{key}]" if isinstance(key, int) else key
        mark = "+" if before is None else "-" if after is None else "~"
        ahead = f"{' ' * (indent - 2)}{mark} {label}: "
        if type(before) is type(after) and isinstance(after, dict | list):
            yield ahead.rstrip()
            yield from difference(before, after, indent + 4)
        elif before is None or after is None:
            yield f"{ahead}{_short(after if before is None else before)}"
        else:
            yield f"{ahead}{_short(before)} => {_short(after)}"


def _at(item: Any, key: Any) -> Any:
    if isinstance(item, dict):
        return item.get(key)
    return item[key] if key < len(item) else None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
