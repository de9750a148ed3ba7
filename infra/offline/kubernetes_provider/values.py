"""Property values as the engine sends them, and as Python has them."""

from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from infra.offline.markers import SECRET, SIGNATURE, UNKNOWN, UNKNOWNS


def decode(message: Struct) -> dict[str, Any]:
    """A message's properties: whole numbers as int, secrets unwrapped, nulls in objects left out."""
    found = {key: _decode(value) for key, value in message.fields.items()}
    return {key: value for key, value in found.items() if value is not None}


def _decode(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            properties = decode(value.struct_value)
            return properties.get("value") if properties.get(SIGNATURE) == SECRET else properties
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def secret(value: Any) -> dict[str, Any]:
    """A value that the engine encrypts in the state and hides on the screen."""
    return {SIGNATURE: SECRET, "value": value}


def has_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is known only after the update."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)
