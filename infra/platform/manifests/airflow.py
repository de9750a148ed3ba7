"""Airflow's processes: one small pod each."""

from datetime import timedelta

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import (
    API_SERVER,
    DAGS_FOLDER,
    GIT,
    GIT_FOLDER,
    GIT_PASSWORD_KEY,
    POOLS,
    common_environment,
    config,
    log_variables,
    pools,
    server_variables,
)
from infra.platform.manifests.digest import short_digest
from infra.platform.manifests.git_sync import git_sync
from infra.platform.manifests.objects import deployment, metadata, service
from infra.platform.manifests.pods import (
    container,
    empty_volume,
    execute,
    http,
    mount,
    pod_spec,
    probe,
    secret_volume,
)
from infra.platform.manifests.worker import TEMPLATE, TEMPLATE_FOLDER, worker_template
from infra.platform.names import (
    AIRFLOW_PORT,
    DATABASE_CLIENT_LABEL,
    SCHEDULER_HEALTH_PORT,
    TRIGGERER_LOG_PORT,
    labels,
)
from infra.platform.resources import Resources

SCHEDULER, DAG_PROCESSOR, TRIGGERER = "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"
MIGRATION, RECONCILER_POD = "airflow-migration", "airflow-reconciler"

USERS, RECONCILER_SECRET = "airflow-users", "airflow-reconciler"  # names
USERS_FOLDER, DESIRED_FOLDER = "/etc/airflow/users", "/etc/switchboard/desired"

OFTEN, SELDOM = timedelta(seconds=3), timedelta(seconds=30)
PATIENCE = 100
"""Failures that a start may have: five minutes, for a machine that is busy with everything else at once."""


def api_server(context: AirflowContext) -> list[Object]:
    """The page and the APIs."""
    page, execution_api = http("/api/v2/version", AIRFLOW_PORT), http("/execution/health", AIRFLOW_PORT)
    server = _airflow_container(
        context,
        ["airflow", "api-server"],
        context.settings.resources.api_server,
        ports=[{"name": "main", "containerPort": AIRFLOW_PORT, "protocol": "TCP"}],
        # The API for tasks builds itself at its first call, in seconds: not at the first task's expense.
        startupProbe=probe(execution_api, OFTEN, PATIENCE),
        readinessProbe=probe(page, SELDOM, failures=2),
        livenessProbe=probe(page, SELDOM, failures=5),
    )
    pod = _airflow_pod(API_SERVER, server, automountServiceAccountToken=True)
    main = _deployment(context, API_SERVER, pod)
    # The one that people and tasks wait for: its successor is ready before it goes.
    main["spec"]["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    entrance = service(API_SERVER, context.namespace, context.team, AIRFLOW_PORT, context.entrance.node_port)
    return [entrance, main]


def scheduler(context: AirflowContext) -> list[Object]:
    """The scheduler, with KubernetesExecutor in it."""
    health = http("/health", SCHEDULER_HEALTH_PORT)
    main = _airflow_container(
        context,
        ["airflow", "scheduler"],
        context.settings.resources.scheduler,
        ports=[{"name": "health", "containerPort": SCHEDULER_HEALTH_PORT, "protocol": "TCP"}],
        mounts=[mount("pod-template", TEMPLATE_FOLDER, read_only=True)],
        startupProbe=probe(health, OFTEN, PATIENCE),
        livenessProbe=probe(health, SELDOM, failures=5),
    )
    template = {"name": "pod-template", "configMap": {"name": TEMPLATE}}
    pod = _airflow_pod(SCHEDULER, main, volumes=[template], automountServiceAccountToken=True)
    return [_deployment(context, SCHEDULER, pod, worker_template(context))]


def dag_processor(context: AirflowContext) -> list[Object]:
    """The parser of DAG files, with git-sync beside it."""
    main = _airflow_container(
        context,
        ["python", "-m", "switchboard_airflow.dag_processor"],
        context.settings.resources.dag_processor,
        mounts=[mount("dags", DAGS_FOLDER, read_only=True), mount("git", GIT_FOLDER, read_only=True)],
        **_heartbeat_probes("dag_processor"),
    )
    volumes = [empty_volume("dags", 1024), secret_volume("git", GIT, GIT_PASSWORD_KEY)]
    pod = _airflow_pod(DAG_PROCESSOR, main, volumes=volumes)
    pod["containers"].append(git_sync(context))
    return [_deployment(context, DAG_PROCESSOR, pod)]


def triggerer(context: AirflowContext) -> list[Object]:
    """What waits for deferred tasks."""
    main = _airflow_container(
        context,
        ["airflow", "triggerer"],
        context.settings.resources.triggerer,
        ports=[{"name": "logs", "containerPort": TRIGGERER_LOG_PORT, "protocol": "TCP"}],
        **_heartbeat_probes("triggerer"),
    )
    return [_deployment(context, TRIGGERER, _airflow_pod(TRIGGERER, main))]


def reconciler(context: AirflowContext) -> list[Object]:
    """What keeps pools and connections as declared. Ready after its first round, so that `up` ends with
    the pools there.
    """
    ready = execute("test", "-f", "/tmp/ready")  # noqa: S108  # its own empty volume
    alive = execute("sh", "-c", '[ -n "$(find /tmp/alive -mmin -3)" ]')
    main = container(
        "reconciler",
        context.images["airflow"],
        context.settings.resources.reconciler,
        args=["python", "-m", "switchboard_airflow.reconcile", DESIRED_FOLDER],
        volumeMounts=[mount("desired", DESIRED_FOLDER, read_only=True)],
        startupProbe=probe(ready, OFTEN, PATIENCE),
        livenessProbe=probe(alive, timedelta(minutes=2), failures=2),
    )
    sources = [{"configMap": {"name": POOLS}}, {"secret": {"name": RECONCILER_SECRET}}]
    desired = {"name": "desired", "projected": {"defaultMode": 0o440, "sources": sources}}
    pod = pod_spec(RECONCILER_POD, [main], volumes=[desired])
    return [_deployment(context, RECONCILER_POD, pod, pools(context), uses_database=False)]


def migration(context: AirflowContext, users_digest: str) -> Object:
    """The job that brings database and users up to date.

    Its name has a digest of all that it does, so another image or another user is another job. `users_digest`
    stands for the users file, whose passwords must not be hashed into a name.
    """
    main = container(
        "migration",
        context.images["airflow"],
        context.settings.resources.migration,
        args=["python", "-m", "switchboard_airflow.migrate", f"{USERS_FOLDER}/users.json"],
        **common_environment(),
        env=server_variables(),
        volumeMounts=[mount("users", USERS_FOLDER, read_only=True), mount("logs", "/opt/airflow/logs")],
    )
    pod = pod_spec(
        MIGRATION,
        [main],
        restartPolicy="Never",
        volumes=[secret_volume("users", USERS, "users.json"), empty_volume("logs", 256)],
    )
    pod_labels = labels(MIGRATION, context.namespace, context.team) | {DATABASE_CLIENT_LABEL: "true"}
    spec = {
        "backoffLimit": 4,
        "activeDeadlineSeconds": 900,
        "template": {"metadata": {"labels": pod_labels}, "spec": pod},
    }
    name = f"{MIGRATION}-{short_digest(spec, users_digest)}"
    about = metadata(name, context.namespace, context.team, MIGRATION)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": spec}


def _airflow_container(
    context: AirflowContext, command: list[str], resources: Resources, **parts: object
) -> Object:
    mounts: list[Object] = parts.pop("mounts", [])  # type: ignore[assignment]
    reads_logs = command[-1] in {"api-server", "triggerer"}
    return container(
        "airflow",
        context.images["airflow"],
        resources,
        args=command,
        **common_environment(),
        env=[*server_variables(), *(log_variables() if reads_logs else [])],
        volumeMounts=[mount("logs", "/opt/airflow/logs"), mount("bundles", "/opt/airflow/bundles"), *mounts],
        **parts,
    )


def _airflow_pod(name: str, main: Object, volumes: list[Object] | None = None, **parts: object) -> Object:
    own = [empty_volume("logs", 1024), empty_volume("bundles", 1024)]
    return pod_spec(name, [main], volumes=[*own, *(volumes or [])], **parts)


def _heartbeat_probes(component: str) -> Object:
    """For processes without a page: ask the API server whether they beat."""
    ask = ("python", "-m", "switchboard_airflow.probe", component)
    return {
        "startupProbe": probe(execute(*ask, "--strict"), timedelta(seconds=5), failures=60),
        "livenessProbe": probe(execute(*ask), timedelta(minutes=1), failures=4),
    }


def _deployment(
    context: AirflowContext,
    name: str,
    pod: Object,
    *read_once: Object,
    uses_database: bool = True,
) -> Object:
    """A deployment that starts anew when what it reads at its start has changed."""
    client = {DATABASE_CLIENT_LABEL: "true"} if uses_database else {}
    whole = deployment(name, context.namespace, context.team, pod, pod_labels=client)
    whole["spec"]["template"]["metadata"]["annotations"] = {
        "switchboard.internal/config": short_digest(*(item["data"] for item in (config(context), *read_once)))
    }
    return whole
