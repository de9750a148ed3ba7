"""How property values are marked on the way between Pulumi's engine and its plugins.

The markers are those of Pulumi's wire format (`sdk/proto`, `go/common/resource/plugin/rpc.go`), which both
stand-ins speak, that for the engine and that for a plugin.
"""

from typing import Any

from google.protobuf.struct_pb2 import Struct

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is not known before the update."""

UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
"""One for each type: text, truth value, number, list, object."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the format, not a password


def encode(properties: dict[str, Any]) -> Struct:
    """A message with these properties, whose marks stay as they are."""
    message = Struct()
    message.update(properties)
    return message
