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
from infra.platform.manifests.objects import (
    metadata,
    network_policy,
    pods_with,
    role,
    service_account,
    way,
)
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
    # KubernetesPodOperator, not deferred: finds its pod again (list), marks it as its own or as done (patch),
    # quotes its events.
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
    """Nothing reaches a pod of the namespace but by these ways and those of Spark."""

    def policy(name: str, ingress: list[Object], egress: list[Object] | None = None) -> Object:
        about = metadata(name, context.namespace, context.team)
        return network_policy(about, selector(name, context.namespace), ingress, egress)

    api_server_only = [pods_with(selector(API_SERVER, context.namespace))]
    database_clients = [pods_with({DATABASE_CLIENT_LABEL: "true"})]
    return [
        network_policy(metadata("default-deny", context.namespace, context.team), {}, []),
        # People come in from outside the cluster, tasks from their pods; both log in.
        policy(API_SERVER, [way(AIRFLOW_PORT)]),
        policy(POSTGRES, [way(POSTGRES_PORT, database_clients)], egress=[]),
        policy(TRIGGERER, [way(TRIGGERER_LOG_PORT, api_server_only)]),
    ]
