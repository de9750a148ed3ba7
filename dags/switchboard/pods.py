"""Parts of a stage's pod: plain values in, Kubernetes objects out."""

from __future__ import annotations

from kubernetes.client import models as k8s

from switchboard.sizes import Size

USER = 10001
"""User and group of every stage image."""

SERVICE_ACCOUNT = "stage"
"""Has no rights and mounts no token; in a cloud it carries the identity that may read and write the data
bucket.
"""

OBJECT_STORE = "object-store"
"""Name of the ConfigMap and of the Secret with the object store's address and keys."""


def resources(size: Size) -> k8s.V1ResourceRequirements:
    """Requests and limits of a size."""
    memory = {"memory": f"{size.memory_mib}Mi"}
    limit = {} if size.cpu_limit_millicores is None else {"cpu": f"{size.cpu_limit_millicores}m"}
    return k8s.V1ResourceRequirements(
        requests={"cpu": f"{size.cpu_request_millicores}m", **memory}, limits={**limit, **memory}
    )


def pod_security() -> k8s.V1PodSecurityContext:
    """What the `restricted` Pod Security Standard asks of a pod."""
    return k8s.V1PodSecurityContext(
        run_as_non_root=True,
        run_as_user=USER,
        run_as_group=USER,
        fs_group=USER,
        seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
    )


def container_security() -> k8s.V1SecurityContext:
    """What the `restricted` Pod Security Standard asks of a container, and a root file system that nobody
    writes.
    """
    return k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
    )


def scratch(size: Size) -> tuple[k8s.V1Volume, k8s.V1VolumeMount]:
    """The one place where a stage may write, emptied with the pod."""
    return (
        k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit=f"{size.scratch_mib}Mi")),
        k8s.V1VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108  in the pod, its own
    )


def object_store() -> list[k8s.V1EnvFromSource]:
    """Address and keys of the object store. The Secret is optional: with a cloud identity there is none."""
    return [
        k8s.V1EnvFromSource(config_map_ref=k8s.V1ConfigMapEnvSource(name=OBJECT_STORE)),
        k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=OBJECT_STORE, optional=True)),
    ]
