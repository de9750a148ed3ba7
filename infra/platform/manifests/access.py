"""Who may do what: service accounts, roles of exactly the verbs that Airflow calls, and who reaches whom."""

from collections.abc import Sequence
from typing import Final

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow import (
    DAG_PROCESSOR,
    MIGRATION,
    RECONCILER_POD,
    SCHEDULER,
    TRIGGERER,
)
from infra.platform.manifests.airflow_config import API_SERVER
from infra.platform.manifests.objects import metadata, role, service_account
from infra.platform.manifests.postgres import NAME as POSTGRES
from infra.platform.manifests.worker import NAME as WORKER
from infra.platform.names import (
    AIRFLOW_PORT,
    DATABASE_CLIENT_LABEL,
    POSTGRES_PORT,
    STAGE,
    TRIGGERER_LOG_PORT,
    selector,
)

RULES: Final[dict[str, list[tuple[str, Sequence[str]]]]] = {
    # KubernetesExecutor: makes and deletes task pods, watches them, adopts another scheduler's (patch).
    SCHEDULER: [("pods", ("create", "delete", "get", "list", "patch", "watch"))],
    # KubernetesPodOperator, not deferred: finds its pod again (list), marks it as done (patch), quotes its
    # events.
    WORKER: [
        ("pods", ("create", "delete", "get", "list", "patch")),
        ("pods/log", ("get",)),
        ("events", ("list",)),
    ],
    # The page shows the log of a task that is still running.
    API_SERVER: [("pods", ("list",)), ("pods/log", ("get",))],
}
"""Service account to (core resource, verbs)."""

WITH_STORE_ACCESS: Final = (API_SERVER, TRIGGERER, WORKER, STAGE)
"""Who reads or writes the object store, and so needs the cluster's cloud identity where there is one."""

ACCOUNTS: Final = (
    *(API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER, MIGRATION, RECONCILER_POD),
    *(WORKER, STAGE),
)


def accounts(context: AirflowContext) -> list[Object]:
    """One service account for each component."""
    identity = context.cluster.service_account_annotations
    return [
        service_account(name, context.namespace, context.team, identity if name in WITH_STORE_ACCESS else {})
        for name in ACCOUNTS
    ]


def roles(context: AirflowContext) -> list[Object]:
    """Roles and bindings of those that talk to Kubernetes at all."""
    return [
        item for name, rules in RULES.items() for item in role(name, context.namespace, context.team, rules)
    ]


def network_policies(context: AirflowContext) -> list[Object]:
    """Nothing reaches a pod of the namespace but by these ways."""
    api_server_only = [{"podSelector": {"matchLabels": selector(API_SERVER, context.namespace)}}]
    database_clients = [{"podSelector": {"matchLabels": {DATABASE_CLIENT_LABEL: "true"}}}]
    return [
        _policy(context, "default-deny", None, []),
        # People come in from outside the cluster, tasks from their pods; both log in.
        _policy(context, API_SERVER, API_SERVER, [_way(AIRFLOW_PORT)]),
        _policy(context, POSTGRES, POSTGRES, [_way(POSTGRES_PORT, database_clients)], egress=[]),
        _policy(context, TRIGGERER, TRIGGERER, [_way(TRIGGERER_LOG_PORT, api_server_only)]),
    ]


def _way(port: int, sources: Sequence[Object] = ()) -> Object:
    ports = [{"port": port, "protocol": "TCP"}]
    return {"ports": ports, "from": list(sources)} if sources else {"ports": ports}


def _policy(
    context: AirflowContext,
    name: str,
    component: str | None,
    ingress: Sequence[Object],
    egress: Sequence[Object] | None = None,
) -> Object:
    pods = {"matchLabels": selector(component, context.namespace)} if component else {}
    spec: Object = {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": list(ingress)}
    if egress is not None:
        spec |= {"policyTypes": ["Ingress", "Egress"], "egress": list(egress)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(name, context.namespace, context.team),
        "spec": spec,
    }
