"""The way to the cluster that everything of the platform is registered with."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s


def cluster_provider(environment: str, kubeconfig: Any, context: str) -> k8s.Provider:
    """An environment's Kubernetes provider. `kubeconfig` is unknown while there is no cluster yet."""
    return k8s.Provider(
        "cluster",
        kubeconfig=pulumi.Output.secret(kubeconfig),
        context=context,
        cluster_identifier=environment,  # another address of the same cluster replaces nothing
        delete_unreachable=True,  # a cluster that was made anew has nothing of the old one's to delete
        upsert_existing_objects=True,  # goes on with what a killed run made and did not record
        enable_patch_force=True,  # the settings win over what somebody applied by hand
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
