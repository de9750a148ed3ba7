"""Kubernetes objects: how they are named, where they live, which of their fields can never change."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Self

from infra.offline.kubernetes_provider.values import secret
from infra.offline.markers import UNKNOWN

Obj = dict[str, Any]

_SERVER_SET = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
)
_SERVER_SET_ON_IMPORT = (*_SERVER_SET, "resourceVersion", "selfLink", "uid")

_CLUSTER_SCOPED = {
    "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
    "CustomResourceDefinition", "FlowSchema", "IngressClass", "MutatingWebhookConfiguration", "Namespace",
    "Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}  # fmt: skip

_IMMUTABLE: dict[str, tuple[str, ...]] = {
    "ClusterRoleBinding": ("roleRef",),
    "CustomResourceDefinition": ("spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "IngressClass": ("spec.controller",),
    "Job": (
        "spec.template",
        "spec.selector",
        "spec.completions",
        "spec.completionMode",
        "spec.podFailurePolicy",
    ),
    "PersistentVolume": (
        "spec.hostPath",
        "spec.local",
        "spec.csi",
        "spec.nfs",
        "spec.nodeAffinity",
        "spec.volumeMode",
    ),
    "PersistentVolumeClaim": ("spec",),
    "Pod": ("spec",),
    "PriorityClass": ("value", "preemptionPolicy"),
    "ReplicaSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "RuntimeClass": ("handler",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "StorageClass": ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}
_MUTABLE_INSIDE: dict[str, tuple[str, ...]] = {
    "PersistentVolumeClaim": ("spec.resources", "spec.volumeAttributesClassName"),
    "Pod": ("spec.activeDeadlineSeconds", "spec.containers.*.image", "spec.initContainers.*.image"),
}
_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")


@dataclass(frozen=True)
class Ref:
    """Which object: the API's version and kind, its name, and its namespace ("" where it has none)."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, obj: Obj) -> Self:
        metadata = obj.get("metadata", {})
        return cls(obj["apiVersion"], obj["kind"], metadata.get("name", ""), metadata.get("namespace", ""))

    @classmethod
    def parse(cls, api_version: str, kind: str, identity: str, default_namespace: str) -> Self:
        """From an id as Pulumi's state and `import` have it: `namespace/name`, or `name`."""
        namespace, _, name = identity.rpartition("/")
        if is_cluster_scoped(api_version, kind):
            return cls(api_version, kind, name)
        return cls(api_version, kind, name, namespace or default_namespace)

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def kind_of_type(token: str) -> tuple[str, str]:
    """`kubernetes:apps/v1:Deployment` -> (`apps/v1`, `Deployment`); the core group has no name in the API."""
    _, group_version, kind = token.split(":")
    return group_version.removeprefix("core/"), kind


def name_in_urn(urn: str) -> str:
    """The name that the program gave the resource."""
    return urn.split("::", 3)[-1]


def is_built_in(api_version: str) -> bool:
    """Whether the API server itself serves this group, so that its kinds are known without asking."""
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def is_cluster_scoped(api_version: str, kind: str) -> bool:
    return is_built_in(api_version) and kind in _CLUSTER_SCOPED


def dig(obj: Any, path: str, default: Any = None) -> Any:
    """What lies at a dotted path, or the default: nulls count as nothing, as they do in Go."""
    for key in path.split("."):
        obj = obj.get(key) if isinstance(obj, dict) else None
    return default if obj is None else obj


def annotation(obj: Obj, name: str) -> str | None:
    annotations = dig(obj, "metadata.annotations", {})
    return annotations.get(name) if isinstance(annotations, dict) else None


def immutable_fields(old: Obj, *, config_maps_mutable: bool, secrets_mutable: bool) -> tuple[str, ...]:
    """Dotted paths (`*` is any list index) of the fields whose change means a new object."""
    kind = old["kind"]
    fields = _IDENTITY + (_IMMUTABLE.get(kind, ()) if is_built_in(old["apiVersion"]) else ())
    mutable = {"ConfigMap": config_maps_mutable, "Secret": secrets_mutable}.get(kind, True)
    if not mutable or (kind in {"ConfigMap", "Secret"} and old.get("immutable") is True):
        fields += ("data", "binaryData", "stringData", "immutable")
    return fields


def mutable_inside(old: Obj) -> tuple[str, ...]:
    """Exceptions from `immutable_fields`."""
    return _MUTABLE_INSIDE.get(old["kind"], ()) if is_built_in(old["apiVersion"]) else ()


def to_apply(inputs: Obj) -> Obj:
    """What is sent to the API.

    A Secret's `stringData` goes as `data`: applied as it is, the keys would have no owner, so that one taken
    out of the program would stay in the cluster.
    """
    body = dict(inputs)
    texts = body.pop("stringData", None) if body["kind"] == "Secret" else None
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        body["data"] = {**body.get("data", {}), **encoded}
    return body


def with_string_data(live: Obj, inputs: Obj) -> Obj:
    """A live Secret with those keys as text that the program gave as text; any other object as it is."""
    if live["kind"] != "Secret" or not isinstance(inputs.get("stringData"), dict):
        return live
    held = live.get("data", {})
    return {**live, "stringData": {key: _text(held[key]) for key in inputs["stringData"] if key in held}}


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded


def outputs(live: Obj, inputs: Obj) -> Obj:
    """What the state keeps of a live object: all but the bookkeeping of field owners."""
    kept = with_string_data(live, inputs)
    return hide({**kept, "metadata": {k: v for k, v in kept["metadata"].items() if k != "managedFields"}})


def hide(obj: Obj) -> Obj:
    """A Secret's content is secret in the state, whatever the program said about it.

    For all else the engine carries secrecy from inputs to outputs, since we do not ask it for wrapped values.
    """
    if obj.get("kind") != "Secret":
        return obj
    return {key: secret(value) if key in {"data", "stringData"} else value for key, value in obj.items()}


def imported_inputs(live: Obj) -> Obj:
    """What a program would have to say to have made this object: all but what the server sets."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in _SERVER_SET_ON_IMPORT}
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": metadata}


def previewed(inputs: Obj, old: Obj | None) -> Obj:
    """The outputs that an update will have, as far as they are known before it."""
    if old:
        return _merged(old, inputs)
    metadata = {
        "uid": UNKNOWN,
        "resourceVersion": UNKNOWN,
        "creationTimestamp": UNKNOWN,
        **inputs.get("metadata", {}),
    }
    guessed = {"status": UNKNOWN, **inputs, "metadata": metadata}
    if inputs["kind"] == "Service" and isinstance(inputs.get("spec"), dict):
        guessed["spec"] = {"clusterIP": UNKNOWN, "clusterIPs": UNKNOWN, **inputs["spec"]}
    return guessed


def _merged(below: Obj, above: Obj) -> Obj:
    both = {key: _merged(below[key], above[key]) for key in below.keys() & above.keys()
            if isinstance(below[key], dict) and isinstance(above[key], dict)}  # fmt: skip
    return {**below, **above, **both}
