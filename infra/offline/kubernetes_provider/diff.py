"""What an update changes, what of it means a new object, and what drifted in the cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from infra.offline.kubernetes_provider.checks import AUTONAMED
from infra.offline.kubernetes_provider.objects import (
    Obj,
    Ref,
    annotation,
    immutable_fields,
    mutable_inside,
    with_string_data,
)
from infra.offline.markers import UNKNOWN

Path = tuple[str | int, ...]
_NOTHING: tuple[Any, ...] = (None, {}, [])
"""The API keeps no empty objects and lists: saying one and saying none is the same."""


@dataclass(frozen=True)
class Change:
    """One property that changes; `replaces` if only a new object can have it so."""

    path: Path
    kind: Literal["add", "delete", "update"]
    replaces: bool = False

    @property
    def property_path(self) -> str:
        """As the engine writes paths: `spec.containers[0].image`, `metadata.labels["a.b/c"]`."""
        text = ""
        for part in self.path:
            if isinstance(part, int):
                text += f"[{part}]"
            elif any(sign in part for sign in '.["'):
                text += '["' + part.replace('"', '\\"') + '"]'
            else:
                text += f".{part}" if text else part
        return text


def compare(
    old: Obj,
    new: Obj,
    *,
    config_maps_mutable: bool = False,
    secrets_mutable: bool = False,
    imported: bool = False,
) -> list[Change]:
    """The changes from old to new inputs.

    Of an object that was imported, only what the program says is compared: the rest may be defaults.
    """
    frozen = immutable_fields(old, config_maps_mutable=config_maps_mutable, secrets_mutable=secrets_mutable)
    loose = mutable_inside(old)
    changes = (change for change in _changes(old, new, ()) if not (imported and change.kind == "delete"))
    return [
        Change(
            change.path, change.kind, replaces=_touches(change, frozen) and not _within(change.path, loose)
        )
        for change in changes
    ]


def must_delete_first(old: Obj, new: Obj) -> bool:
    """Two objects of one name cannot be there at once; where the name is ours, the new one gets another."""
    return Ref.of(old) == Ref.of(new) and annotation(new, AUTONAMED) != "true"


def _changes(old: Any, new: Any, path: Path) -> Iterator[Change]:
    if old == new or (old in _NOTHING and new in _NOTHING):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changes(_item(old, index), _item(new, index), (*path, index))
    else:
        yield Change(path, "add" if old is None else "delete" if new is None else "update")


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _touches(change: Change, fields: tuple[str, ...]) -> bool:
    """Whether a change is in one of the fields, or gives or takes an object that has one of them in it.

    An object that becomes unknown is no reason: it may turn out to hold the same.
    """
    path = change.path
    return _within(path, fields) or (
        change.kind != "update" and any(_begins(path, field) for field in fields)
    )


def _within(path: Path, fields: tuple[str, ...]) -> bool:
    return any(len(path) > field.count(".") and _begins(path, field) for field in fields)


def _begins(path: Path, field: str) -> bool:
    return all(part in ("*", str(at)) for part, at in zip(field.split("."), path, strict=False))


def live_inputs(inputs: Obj, before: Obj, live: Obj) -> Obj:
    """The inputs with what drifted in them, so that the next update puts it back.

    `before` is the object as it was after the last update: a value that only looks different because the
    server writes it in its own way (`1000m` as `1`) did not drift. What others added is not ours: left alone.
    """
    drifted = _drifted(inputs, with_string_data(before, inputs), with_string_data(live, inputs))
    return drifted if isinstance(drifted, dict) else inputs


def _drifted(wanted: Any, before: Any, live: Any) -> Any:
    """`wanted` where the live value is as before; the live value where not; None where it is gone."""
    if before == live:
        return wanted
    if isinstance(wanted, dict) and isinstance(live, dict):
        was = before if isinstance(before, dict) else {}
        found = {key: _drifted(value, was.get(key), live.get(key)) for key, value in wanted.items()}
        return {key: value for key, value in found.items() if value is not None}
    if isinstance(wanted, list) and isinstance(live, list):
        return _drifted_list(wanted, before if isinstance(before, list) else [], live)
    return live


def _drifted_list(wanted: list[Any], before: list[Any], live: list[Any]) -> list[Any]:
    names = [_by_name(items) for items in (wanted, before, live)]
    if all(names) and None not in names:
        ours, was, now = (items or {} for items in names)
        return [_drifted(item, was.get(name), now[name]) for name, item in ours.items() if name in now]
    if len(wanted) == len(live) and all(isinstance(item, dict) for item in [*wanted, *live]):
        return [_drifted(item, _item(before, at), live[at]) for at, item in enumerate(wanted)]
    return live


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The items by their names, if each has one of its own: the API merges such lists by name."""
    found = {
        item["name"]: item
        for item in items
        if isinstance(item, dict) and item.get("name", UNKNOWN) != UNKNOWN
    }
    return found if len(found) == len(items) else None
