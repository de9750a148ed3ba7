"""The pod of a task, from which KubernetesExecutor makes each one."""

import yaml

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import (
    GIT,
    GIT_FOLDER,
    GIT_PASSWORD_KEY,
    common_environment,
    log_variables,
)
from infra.platform.manifests.objects import config_map
from infra.platform.manifests.pods import container, empty_volume, mount, pod_spec, secret_volume, variables
from infra.platform.names import labels

NAME = "airflow-worker"
TEMPLATE = "airflow-pod-template"
TEMPLATE_FILE = "pod_template.yaml"
TEMPLATE_FOLDER = "/etc/airflow/pod-template"

GRACE_SECONDS = 60
"""Time to kill the task's own pod and to send the log away."""


def worker_pod(context: AirflowContext) -> Object:
    """The template. It has no key of the platform: neither the database's nor the one that signs tokens."""
    base = container(
        "base",
        context.images["airflow"],
        context.settings.resources.worker,
        **common_environment(),
        env=[
            *log_variables(),
            # A task's connections come from the API server; this one is only how to reach the cluster it's
            # in.
            *variables({"AIRFLOW_CONN_KUBERNETES_DEFAULT": "kubernetes://"}),
        ],
        volumeMounts=[
            mount("logs", "/opt/airflow/logs"),
            mount("bundles", "/opt/airflow/bundles"),
            mount("git", GIT_FOLDER, read_only=True),
        ],
    )
    spec = pod_spec(
        NAME,
        [base],
        automountServiceAccountToken=True,
        restartPolicy="Never",
        terminationGracePeriodSeconds=GRACE_SECONDS,
        volumes=[
            empty_volume("logs", 1024),
            empty_volume("bundles", 1024),
            secret_volume("git", GIT, GIT_PASSWORD_KEY),
        ],
    )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": NAME,
            "labels": labels(NAME, context.namespace, context.team),
        },
        "spec": spec,
    }


def worker_template(context: AirflowContext) -> Object:
    """The ConfigMap that the scheduler reads the template from."""
    text = yaml.safe_dump(worker_pod(context), sort_keys=False, width=200)
    return config_map(TEMPLATE, context.namespace, context.team, {TEMPLATE_FILE: text})
