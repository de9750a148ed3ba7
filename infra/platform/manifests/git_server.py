"""The DAG repository: git over HTTP, with one user that pushes and one that reads."""

from datetime import timedelta

from infra.platform.context import GitContext
from infra.platform.manifests import Object
from infra.platform.manifests.objects import (
    claim,
    metadata,
    namespace,
    service,
    service_account,
    stateful_set,
)
from infra.platform.manifests.pods import container, http, mount, pod_spec, probe, secret_volume
from infra.platform.names import GIT_PORT, GIT_READER, GIT_WRITER, selector

NAME = "git-server"
SECRET = "git-users"  # noqa: S105  # a name


def git_namespace(context: GitContext) -> Object:
    """The repository serves all teams, so it belongs to none."""
    return namespace(context.namespace, None)


def git_server(context: GitContext) -> list[Object]:
    """Service account, network policies, Service and StatefulSet."""
    place = (NAME, context.namespace, None)
    volume = claim("data", context.cluster.storage_class, context.settings.storage_gib)
    return [
        service_account(*place, {}),
        *_network_policies(context),
        service(*place, GIT_PORT, context.entrance.node_port),
        stateful_set(*place, _pod(context), volume),
    ]


def _pod(context: GitContext) -> Object:
    health = http("/healthz", GIT_PORT)
    server = container(
        NAME,
        context.images["git-server"],
        context.settings.resources,
        ports=[{"name": "main", "containerPort": GIT_PORT, "protocol": "TCP"}],
        volumeMounts=[mount("data", "/srv/git"), mount("users", "/etc/git-users", read_only=True)],
        startupProbe=probe(health, timedelta(seconds=1), failures=120),
        readinessProbe=probe(health, timedelta(seconds=20), failures=2),
        livenessProbe=probe(health, timedelta(seconds=30), failures=4),
    )
    return pod_spec(NAME, [server], volumes=[secret_volume("users", SECRET, GIT_WRITER, GIT_READER)])


def _network_policies(context: GitContext) -> list[Object]:
    def policy(name: str, pods: Object, ingress: list[Object]) -> Object:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata(name, context.namespace, None),
            "spec": {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": ingress},
        }

    # People push from outside the cluster, and every team reads; all of them log in.
    anyone = [{"ports": [{"port": GIT_PORT, "protocol": "TCP"}]}]
    return [
        policy("default-deny", {}, []),
        policy(NAME, {"matchLabels": selector(NAME, context.namespace)}, anyone),
    ]
