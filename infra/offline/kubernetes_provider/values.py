"""Property values as the engine sends them, and as Python has them.

The markers are those of Pulumi's wire format (`sdk/proto`, `go/common/resource/plugin/rpc.go`).
"""

from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is not known before the update; written so in what we answer."""

_UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
"""The engine has one marker for each type: text, truth value, number, list, object."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the wire format, not a password


def decode(message: Struct) -> dict[str, Any]:
    """A message's properties: whole numbers as int, secrets unwrapped, nulls in objects left out."""
    found = {key: _decode(value) for key, value in message.fields.items()}
    return {key: value for key, value in found.items() if value is not None}


def _decode(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            properties = decode(value.struct_value)
            return properties.get("value") if properties.get(_SIGNATURE) == _SECRET else properties
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def encode(properties: dict[str, Any]) -> Struct:
    """The opposite of `decode`."""
    message = Struct()
    message.update(properties)
    return message


def secret(value: Any) -> dict[str, Any]:
    """A value that the engine encrypts in the state and hides on the screen."""
    return {_SIGNATURE: _SECRET, "value": value}


def has_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is known only after the update."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)
