"""Property values: JSON as Python has it, with the markers of Pulumi's protocol left in place."""

import json
from collections.abc import Callable
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from infra.offline.markers import SECRET, SIGNATURE, UNKNOWNS

Props = dict[str, Any]


class EngineError(Exception):
    """What the user is told, as it is."""


class LostError(EngineError):
    """A plugin is gone, and what it was doing may be done or not."""


class StoppedError(Exception):
    """Nothing new is begun: something failed, or the run is cancelled."""


def decode(message: Struct) -> Props:
    """A message's properties; whole numbers as int, which is how the state has them.

    A message has no order: they come by name, as in all that Pulumi writes.
    """
    return {key: _decode(value) for key, value in sorted(message.fields.items())}


def _decode(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return decode(value.struct_value)
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def is_secret(value: Any) -> bool:
    """Whether a value is marked as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def secret(value: Any) -> Props:
    """The value, marked; one that is marked already as it is."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def _mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """`leaf` of each secret in a value, and of each value that holds no others."""
    if isinstance(value, dict) and not is_secret(value):
        return {key: _mapped(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, leaf) for item in value]
    return leaf(value)


def plain(value: Any) -> Any:
    """The value without the marks of secrets."""
    return _mapped(value, lambda item: plain(item["value"]) if is_secret(item) else item)


def hidden(value: Any) -> Any:
    """The value as it may be shown."""
    return _mapped(
        value, lambda item: "[secret]" if is_secret(item) else "[unknown]" if has_unknown(item) else item
    )


def sealed(value: Any, encrypt: Callable[[str], str]) -> Any:
    """The value as the state has it: secrets encrypted."""

    def leaf(item: Any) -> Any:
        if not is_secret(item):
            return item
        return {SIGNATURE: SECRET, "ciphertext": encrypt(json.dumps(plain(item)))}

    return _mapped(value, leaf)


def unsealed(value: Any, decrypt: Callable[[str], str]) -> Any:
    """The opposite of `sealed`."""
    return _mapped(
        value, lambda item: secret(json.loads(decrypt(item["ciphertext"]))) if is_secret(item) else item
    )


def has_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is known only after the update."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value in UNKNOWNS if isinstance(value, str) else False


def has_secret(value: Any) -> bool:
    """Whether a value, or anything in it, is a secret."""
    if isinstance(value, dict):
        return is_secret(value) or any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def with_secrets_of(value: Any, like: Any) -> Any:
    """The value with marks where `like` has them: plugins are given and answer plain values."""
    if is_secret(value):
        return value
    if is_secret(like):
        return secret(value)
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: with_secrets_of(item, like.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list):
        if len(value) != len(like):  # which one is which cannot be told
            return secret(value) if has_secret(like) else value
        return [with_secrets_of(item, model) for item, model in zip(value, like, strict=True)]
    return value
