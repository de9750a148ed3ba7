"""Kubernetes objects as typed Pulumi resources."""

import re
from collections.abc import Iterable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.platform.manifests import Object

KINDS: dict[tuple[str, str], type[pulumi.CustomResource]] = {
    ("v1", "ConfigMap"): k8s.core.v1.ConfigMap,
    ("v1", "LimitRange"): k8s.core.v1.LimitRange,
    ("v1", "Namespace"): k8s.core.v1.Namespace,
    ("v1", "ResourceQuota"): k8s.core.v1.ResourceQuota,
    ("v1", "Secret"): k8s.core.v1.Secret,
    ("v1", "Service"): k8s.core.v1.Service,
    ("v1", "ServiceAccount"): k8s.core.v1.ServiceAccount,
    ("apps/v1", "Deployment"): k8s.apps.v1.Deployment,
    ("apps/v1", "StatefulSet"): k8s.apps.v1.StatefulSet,
    ("batch/v1", "Job"): k8s.batch.v1.Job,
    ("networking.k8s.io/v1", "NetworkPolicy"): k8s.networking.v1.NetworkPolicy,
    ("rbac.authorization.k8s.io/v1", "Role"): k8s.rbac.v1.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): k8s.rbac.v1.RoleBinding,
    ("scheduling.k8s.io/v1", "PriorityClass"): k8s.scheduling.v1.PriorityClass,
}
"""Every kind that the manifests use."""

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def register(item: Object, options: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """One object. Its resource name is its own name behind its namespace's."""
    about = item["metadata"]
    arguments: dict[str, Any] = {
        _HUMP.sub("_", key).lower(): value for key, value in item.items() if key not in {"apiVersion", "kind"}
    }
    if item["kind"] == "Secret":
        arguments["string_data"] = pulumi.Output.secret(arguments["string_data"])
    name = "/".join(part for part in (about.get("namespace"), about["name"]) if part)
    return KINDS[item["apiVersion"], item["kind"]](name, opts=options, **arguments)


def register_all(
    items: Iterable[Object],
    parent: pulumi.Resource,
    provider: pulumi.ProviderResource,
    depends_on: Iterable[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """All of them, side by side, each after what they depend on."""
    options = pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=list(depends_on))
    return [register(item, options) for item in items]
