"""Parts of pods that are the same everywhere: the restricted security context, resources, probes, volumes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from infra.platform.manifests import Object
from infra.platform.names import USER_ID
from infra.platform.resources import Resources

SCRATCH = "scratch"
"""The volume at /tmp: the root file system is read-only."""

SCRATCH_LIMIT_MIB = 512


def resources(settings: Resources) -> Object:
    """Requests and limits."""
    return {
        "requests": {
            "cpu": f"{settings.cpu_request_millicores}m",
            "memory": f"{settings.memory_request_mib}Mi",
        },
        "limits": {"cpu": f"{settings.cpu_limit_millicores}m", "memory": f"{settings.memory_limit_mib}Mi"},
    }


def container(name: str, image: str, settings: Resources, **parts: Any) -> Object:
    """A container under the restricted Pod Security Standard, with a writable /tmp and nothing else
    writable.
    """
    mounts: Sequence[Object] = parts.pop("volumeMounts", [])
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": resources(settings),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [mount(SCRATCH, "/tmp"), *mounts],  # noqa: S108  # its own empty volume
        **parts,
    }


def pod_spec(service_account: str, containers: Sequence[Object], **parts: Any) -> Object:
    """A pod's spec around its containers. No token is mounted unless `automountServiceAccountToken` says
    so.
    """
    volumes: Sequence[Object] = parts.pop("volumes", [])
    return {
        "serviceAccountName": service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [empty_volume(SCRATCH, SCRATCH_LIMIT_MIB), *volumes],
        **parts,
    }


def mount(volume: str, path: str, *, read_only: bool = False, sub_path: str | None = None) -> Object:
    """A volume in a container."""
    return {
        "name": volume,
        "mountPath": path,
        **({"readOnly": True} if read_only else {}),
        **({"subPath": sub_path} if sub_path else {}),
    }


def empty_volume(name: str, limit_mib: int) -> Object:
    """A volume that lives as long as its pod."""
    return {"name": name, "emptyDir": {"sizeLimit": f"{limit_mib}Mi"}}


def secret_volume(name: str, secret: str, *keys: str) -> Object:
    """A Secret's keys as files that only the pod's group reads."""
    items = {"items": [{"key": key, "path": key} for key in keys]} if keys else {}
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440, **items}}


def from_secret(variable: str, secret: str, key: str, *, optional: bool = False) -> Object:
    """An environment variable from a Secret."""
    reference = {"name": secret, "key": key, **({"optional": True} if optional else {})}
    return {"name": variable, "valueFrom": {"secretKeyRef": reference}}


def variables(values: Mapping[str, str]) -> list[Object]:
    """Plain environment variables."""
    return [{"name": name, "value": value} for name, value in values.items()]


def probe(
    action: Object, every: timedelta, failures: int, timeout: timedelta = timedelta(seconds=5)
) -> Object:
    """A probe that acts after `failures` times `every`."""
    return {
        **action,
        "periodSeconds": int(every.total_seconds()),
        "failureThreshold": failures,
        "timeoutSeconds": int(timeout.total_seconds()),
    }


def http(path: str, port: int) -> Object:
    """Ask a page."""
    return {"httpGet": {"path": path, "port": port}}


def execute(*command: str) -> Object:
    """Run a program in the container: tens of milliseconds of CPU each time, so only where there's no
    page to ask.
    """
    return {"exec": {"command": list(command)}}
