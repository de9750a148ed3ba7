"""Who a task's Spark driver and its executors are, what they may do, and how much there may be of them."""

from collections.abc import Sequence
from typing import Final

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import API_SERVER
from infra.platform.manifests.objects import (
    metadata,
    network_policy,
    pods_of_namespace,
    pods_with,
    role,
    service_account,
    way,
)
from infra.platform.names import (
    COMPONENT_LABEL,
    SPARK_BLOCK_MANAGER_PORT,
    SPARK_DRIVER,
    SPARK_DRIVER_PORT,
    SPARK_EXECUTOR,
    SPARK_UI_PORT,
    selector,
)
from infra.platform.spark_settings import LimitRange, Spark, SparkQuota

DRIVER_RULES: Final[list[tuple[str, Sequence[str]]]] = [
    # Spark waits until its own pod is ready (get, watch), makes executors, follows them (list, watch) and
    # marks those that ended (patch), which are kept until it was read why (delete). Those that it needs no
    # more go by label: its client sends one request for them (deletecollection), and takes no other way where
    # that is forbidden.
    ("pods", ("create", "delete", "deletecollection", "get", "list", "patch", "watch")),
    # What a verdict on a failure quotes.
    ("pods/log", ("get",)),
    ("events", ("list",)),
]
"""(Core resource, verbs). No ConfigMap, Service or volume claim: the session's configuration makes none."""

PRIORITIES: Final = {
    SPARK_DRIVER: (100, "a Spark driver: placed before other pods, and goes after its executors"),
    SPARK_EXECUTOR: (-10, "a Spark executor: makes room for every other pod"),
}
"""Priority class to value and description."""


def spark_access(context: AirflowContext) -> list[Object]:
    """Accounts, the driver's role, quota, limits and network policies of one deployment."""
    spark = context.settings.spark
    if spark is None:
        return []
    about = (context.namespace, context.team)
    identity = context.cluster.service_account_annotations
    return [
        service_account(SPARK_DRIVER, *about, identity),
        service_account(SPARK_EXECUTOR, *about, identity),
        *role(SPARK_DRIVER, *about, DRIVER_RULES),
        *_bounds(context, spark),
        *_network_policies(context, spark),
    ]


def priority_classes() -> list[Object]:
    """One set for the cluster: they have no namespace.

    Neither ends another pod to get its place. A driver is above everything of Airflow, so it could end the
    database; executors are below everything, so there is nothing that they could end.
    """
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {
                "name": name,
                "labels": {
                    "app.kubernetes.io/part-of": "switchboard",
                    "app.kubernetes.io/managed-by": "pulumi",
                },
            },
            "value": value,
            "globalDefault": False,
            "preemptionPolicy": "Never",
            "description": description,
        }
        for name, (value, description) in PRIORITIES.items()
    ]


def _bounds(context: AirflowContext, spark: Spark) -> list[Object]:
    quota = [_quota(context, spark.quota)] if spark.quota else []
    limits = [_limit_range(context, spark.limit_range)] if spark.limit_range else []
    return [*quota, *limits]


def _quota(context: AirflowContext, quota: SparkQuota) -> Object:
    """Counts pods by their priority class, so that Airflow's own are never refused because of Spark's."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata("spark", context.namespace, context.team),
        "spec": {
            "hard": {
                "requests.cpu": f"{quota.cpu_request_millicores}m",
                "requests.memory": f"{quota.memory_mib}Mi",
                "pods": str(quota.pods),
            },
            "scopeSelector": {
                "matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "In", "values": list(PRIORITIES)}
                ]
            },
        },
    }


def _limit_range(context: AirflowContext, limits: LimitRange) -> Object:
    """Kubernetes has none for a part of a namespace: it's for every container that says nothing itself."""
    limit: Object = {
        "type": "Container",
        "defaultRequest": {
            "cpu": f"{limits.cpu_request_millicores}m",
            "memory": f"{limits.memory_request_mib}Mi",
        },
        "default": {"memory": f"{limits.memory_limit_mib}Mi"},
    }
    if limits.memory_max_mib:
        limit["max"] = {"memory": f"{limits.memory_max_mib}Mi"}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata("containers", context.namespace, context.team),
        "spec": {"limits": [limit]},
    }


def _network_policies(context: AirflowContext, spark: Spark) -> list[Object]:
    """Drivers and executors of a deployment reach each other, and Airflow's API server a driver's page, where
    Prometheus reads metrics too.

    Which driver an executor belongs to is not to be had here: labels of an application are known to itself
    alone.
    """
    drivers, executors = ({COMPONENT_LABEL: component} for component in (SPARK_DRIVER, SPARK_EXECUTOR))
    readers = [pods_with(selector(API_SERVER, context.namespace))]
    if spark.scraped_from:
        readers.append(pods_of_namespace(spark.scraped_from))
    ways_in = {
        SPARK_DRIVER: [
            way(SPARK_DRIVER_PORT, [pods_with(executors)]),
            way(SPARK_BLOCK_MANAGER_PORT, [pods_with(executors)]),
            way(SPARK_UI_PORT, readers),
        ],
        SPARK_EXECUTOR: [
            # Shuffles and broadcasts go from executor to executor.
            way(SPARK_BLOCK_MANAGER_PORT, [pods_with(drivers), pods_with(executors)]),
        ],
    }
    return [
        network_policy(
            metadata(component, context.namespace, context.team), {COMPONENT_LABEL: component}, ingress
        )
        for component, ingress in ways_in.items()
    ]
