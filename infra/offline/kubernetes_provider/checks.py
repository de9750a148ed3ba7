"""What is wrong with a resource's inputs, and what the program left to us: its name and namespace."""

import base64
import binascii
import copy
import hashlib
import re
import secrets
from dataclasses import dataclass

from infra.offline.kubernetes_provider.objects import Obj, annotation, dig, is_built_in, name_in_urn
from infra.offline.markers import UNKNOWN

AUTONAMED = "pulumi.com/autonamed"
"""The annotation by which the next update knows that the name is ours to keep."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"


@dataclass(frozen=True)
class Problem:
    """A property that cannot be, why, and what to do instead."""

    property: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """One Check: what the program wants (`inputs`), and wanted the last time (`old`, or empty)."""

    urn: str
    type: str
    inputs: Obj
    old: Obj
    seed: bytes
    namespace: str | None
    """The default namespace; None where the kind has no namespaces."""


def check(asked: Asked) -> tuple[Obj, list[Problem]]:
    """The inputs with their defaults filled in, and what is wrong with them. Unknown values pass."""
    unsupported = _unsupported(asked)
    if unsupported:
        return asked.inputs, [unsupported]
    inputs = copy.deepcopy(asked.inputs)
    metadata = inputs.setdefault("metadata", {})
    if isinstance(metadata, dict):
        _default_name(metadata, asked)
        if asked.namespace is not None and not metadata.get("namespace"):
            metadata["namespace"] = asked.namespace
    return inputs, [*_name_problems(inputs), *_data_problems(inputs)]


def _unsupported(asked: Asked) -> Problem | None:
    kind = asked.inputs.get("kind", "")
    if not kind or not asked.inputs.get("apiVersion"):
        return Problem("kind", f"{asked.type} has no apiVersion or no kind; give it both")
    remedy = "use typed resources, or the real plugin (SWITCHBOARD_KUBERNETES_PLUGIN=real)"
    if asked.type.endswith("Patch") and not kind.endswith("Patch"):
        return Problem("kind", f"{asked.type}: Patch resources are not in the stand-in plugin; {remedy}")
    if kind.endswith("List") and "items" in asked.inputs:
        return Problem("kind", f"{asked.type}: List resources are not in the stand-in plugin; {remedy}")
    if dig(asked.inputs, "metadata.generateName"):
        return Problem("metadata.generateName", "cannot be applied server-side; leave it out, a name is made")
    return None


def _default_name(metadata: Obj, asked: Asked) -> None:
    if metadata.get("name"):
        return
    was_ours = annotation(asked.old, AUTONAMED) == "true"
    previous = dig(asked.old, "metadata.name") if was_ours else None
    metadata["name"] = previous or f"{name_in_urn(asked.urn).lower()}-{_suffix(asked.seed)}"
    if metadata.get("annotations") != UNKNOWN:
        metadata["annotations"] = {**metadata.get("annotations", {}), AUTONAMED: "true"}


def _suffix(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)


def _name_problems(inputs: Obj) -> list[Problem]:
    name = dig(inputs, "metadata.name", UNKNOWN)
    if name == UNKNOWN:
        return []
    pattern, limit, rule = _name_rule(inputs["apiVersion"], inputs["kind"])
    if len(name) <= limit and re.fullmatch(pattern, name):
        return []
    return [
        Problem(
            "metadata.name",
            f"{name!r} cannot name a {inputs['kind']}: use {rule}, at most {limit} characters",
        )
    ]


def _name_rule(api_version: str, kind: str) -> tuple[str, int, str]:
    """Pattern, longest length, wording (kubernetes.io/docs/concepts/overview/working-with-objects/names)."""
    if api_version.startswith("rbac.authorization.k8s.io/"):
        return r"(?!\.{1,2}$)[^/%]+", 253, "no slash and no percent sign"
    if is_built_in(api_version) and kind == "Service":
        return r"[a-z]([-a-z0-9]*[a-z0-9])?", 63, "small letters, digits and dashes, a letter first"
    if is_built_in(api_version) and kind in {"Namespace", "StatefulSet", "CronJob"}:
        return _LABEL, 52 if kind == "CronJob" else 63, "small letters, digits and dashes"
    return _SUBDOMAIN, 253, "small letters, digits, dashes and dots"


def _data_problems(inputs: Obj) -> list[Problem]:
    data = inputs.get("data")
    if inputs["kind"] != "Secret" or not isinstance(data, dict):
        return []
    remedy = "is not base64; give plain text in stringData instead"
    return [
        Problem(f"data.{key}", remedy)
        for key, value in data.items()
        if value != UNKNOWN and not _base64(value)
    ]


def _base64(value: object) -> bool:
    try:
        base64.b64decode(str(value), validate=True)
    except binascii.Error:
        return False
    return True
