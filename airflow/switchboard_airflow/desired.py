"""What pools and connections should be, what Airflow says they are, and the difference. No I/O."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

MARK = "(managed by Switchboard)"
"""At the end of a description: we made it, so we may remove it."""

HIDDEN = "***"
"""What Airflow shows for a secret."""

DEFAULT_POOL = "default_pool"
"""Airflow's own: it can't be removed, and only its slots can be changed."""

Verb = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Kind:
    """One sort of object that we keep in order, and how Airflow's API names its parts."""

    name: str
    path: str
    key: str
    fields: tuple[str, ...]
    secret_fields: frozenset[str] = frozenset()

    def body(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The object as the API takes it, with our mark."""
        values = {field: wanted.get(field) for field in self.fields}
        values["description"] = marked(wanted.get("description"), wanted if self.secret_fields else None)
        return {self.key: name, **values}


POOL = Kind("pool", "/pools", "name", ("slots", "description", "include_deferred"))
CONNECTION = Kind(
    "connection",
    "/connections",
    "connection_id",
    ("conn_type", "description", "host", "login", "schema", "port", "password", "extra"),
    frozenset({"password", "extra"}),
)


@dataclass(frozen=True)
class Change:
    """One call to make."""

    kind: Kind
    verb: Verb
    name: str
    body: dict[str, Any] | None = None
    because: str = ""

    def __str__(self) -> str:
        done = {"create": "created", "update": "put back", "delete": "removed"}[self.verb]
        return f"{self.kind.name} {self.name}: {done} ({self.because})"


def marked(description: str | None, fingerprinted: Mapping[str, Any] | None = None) -> str:
    """The description with our mark; for what has hidden parts, with a fingerprint of the declared whole as
    well.

    A changed secret can't be seen in what Airflow shows: the fingerprint tells that the declaration has
    changed.
    """
    mark = MARK
    if fingerprinted is not None:
        digest = hashlib.sha256(json.dumps(fingerprinted, sort_keys=True).encode()).hexdigest()
        mark = f"{MARK[:-1]}, {digest[:12]})"
    return f"{description} {mark}" if description else mark


def is_ours(actual: Mapping[str, Any]) -> bool:
    """Whether we made it."""
    return MARK[:-1] in (actual.get("description") or "")


def changes(
    kind: Kind, wanted: Mapping[str, Mapping[str, Any]], actual: Iterable[Mapping[str, Any]]
) -> list[Change]:
    """The calls that make Airflow's objects what is wanted; those made by hand under other names are
    left alone.
    """
    present = {item[kind.key]: item for item in actual}
    found: list[Change] = []
    for name, declared in wanted.items():
        body = kind.body(name, declared)
        if name not in present:
            found.append(Change(kind, "create", name, body, "it was missing"))
            continue
        differing = [field for field in _compared(kind, name) if not _same(kind, field, body, present[name])]
        if differing:
            found.append(Change(kind, "update", name, body, f"differed in {', '.join(differing)}"))
    for name, item in present.items():
        if name not in wanted and name != DEFAULT_POOL and is_ours(item):
            found.append(Change(kind, "delete", name, None, "no longer declared"))
    return found


def _compared(kind: Kind, name: str) -> tuple[str, ...]:
    if kind is POOL and name == DEFAULT_POOL:
        return ("slots", "include_deferred")
    return kind.fields


def _same(kind: Kind, field: str, body: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    wanted, is_ = body.get(field), actual.get(field)
    if field in kind.secret_fields:
        return _same_as_shown(_parsed(wanted), _parsed(is_))
    return (wanted or None) == (is_ or None)


def _same_as_shown(wanted: Any, shown: Any) -> bool:
    """Equal, as far as can be seen: a hidden value stands for any value but none."""
    if shown == HIDDEN:
        return wanted not in (None, "")
    if isinstance(wanted, Mapping) and isinstance(shown, Mapping):
        return wanted.keys() == shown.keys() and all(
            _same_as_shown(wanted[key], shown[key]) for key in wanted
        )
    return (wanted or None) == (shown or None)


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        return value
