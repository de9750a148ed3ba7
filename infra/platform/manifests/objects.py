"""Kubernetes objects of kinds that need no more than a name and their content."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.platform.manifests import Object
from infra.platform.names import labels, selector


def metadata(name: str, namespace: str, team: str | None, component: str | None = None) -> Object:
    """Name, namespace and the recommended labels."""
    return {
        "name": name,
        "namespace": namespace,
        "labels": labels(component or name, namespace, team),
    }


def namespace(name: str, team: str | None) -> Object:
    """A namespace whose pods must keep to the restricted Pod Security Standard."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                **labels("namespace", name, team),
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    }


def service_account(name: str, namespace: str, team: str | None, annotations: Mapping[str, str]) -> Object:
    """A service account that mounts no token by itself."""
    about = metadata(name, namespace, team)
    if annotations:
        about["annotations"] = dict(annotations)
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": about,
        "automountServiceAccountToken": False,
    }


def config_map(name: str, namespace: str, team: str | None, data: Mapping[str, str]) -> Object:
    """Plain configuration."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name, namespace, team),
        "data": dict(data),
    }


def secret(name: str, namespace: str, team: str | None, values: Mapping[str, Any]) -> Object:
    """Secret configuration; the values may be Pulumi outputs, which only pass through."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name, namespace, team),
        "type": "Opaque",
        "stringData": dict(values),
    }


def service(name: str, namespace: str, team: str | None, port: int, node_port: int | None = None) -> Object:
    """A service over the pods of the component with the same name; with a node port, reachable from
    outside.
    """
    entry = {"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, namespace, team),
        "spec": {
            "type": "ClusterIP" if node_port is None else "NodePort",
            "selector": selector(name, namespace),
            "ports": [entry if node_port is None else {**entry, "nodePort": node_port}],
        },
    }


def deployment(name: str, namespace: str, team: str, pod: Object, *, pod_labels: Mapping[str, str]) -> Object:
    """One pod, replaced by its successor only after it has gone: none of our singletons likes a twin."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, namespace, team),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": selector(name, namespace)},
            "template": {
                "metadata": {"labels": {**labels(name, namespace, team), **pod_labels}},
                "spec": pod,
            },
        },
    }


def stateful_set(name: str, namespace: str, team: str | None, pod: Object, claim: Object) -> Object:
    """One pod with one volume that outlives it."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(name, namespace, team),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "serviceName": name,
            "selector": {"matchLabels": selector(name, namespace)},
            "template": {"metadata": {"labels": labels(name, namespace, team)}, "spec": pod},
            "volumeClaimTemplates": [claim],
        },
    }


def claim(name: str, storage_class: str, storage_gib: int) -> Object:
    """A volume of its own for each pod of a StatefulSet."""
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": f"{storage_gib}Gi"}},
        },
    }


def role(
    name: str, namespace: str, team: str, rules: Sequence[tuple[str, Sequence[str]]]
) -> tuple[Object, Object]:
    """A role on core resources, and its binding to the service account of the same name."""
    about = metadata(name, namespace, team)
    return (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": about,
            "rules": [
                {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}
                for resource, verbs in rules
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": about,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    )


def way(port: int, sources: Sequence[Object] = ()) -> Object:
    """A way in for a network policy: from these pods, or from everywhere."""
    ports = [{"port": port, "protocol": "TCP"}]
    return {"ports": ports, "from": list(sources)} if sources else {"ports": ports}


def pods_with(labels: Mapping[str, str]) -> Object:
    """Pods of the same namespace, as a source in a network policy."""
    return {"podSelector": {"matchLabels": dict(labels)}}


def pods_of_namespace(name: str) -> Object:
    """All pods of another namespace, as a source in a network policy."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def network_policy(
    about: Object,
    pods: Mapping[str, str],
    ingress: Sequence[Object],
    egress: Sequence[Object] | None = None,
) -> Object:
    """Nothing reaches pods with these labels (none: all of the namespace) but by `ingress`. `egress`: None is
    all.
    """
    spec: Object = {
        "podSelector": {"matchLabels": dict(pods)} if pods else {},
        "policyTypes": ["Ingress"],
        "ingress": list(ingress),
    }
    if egress is not None:
        spec |= {"policyTypes": ["Ingress", "Egress"], "egress": list(egress)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": about,
        "spec": spec,
    }
