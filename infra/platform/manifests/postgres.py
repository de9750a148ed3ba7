"""Airflow's metadata database: one Postgres with a volume of its own."""

from datetime import timedelta

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.objects import claim, service, service_account, stateful_set
from infra.platform.manifests.pods import container, execute, mount, pod_spec, probe, secret_volume
from infra.platform.names import POSTGRES_PORT

NAME = "airflow-postgres"
DATABASE = USER = "airflow"
SECRET = "airflow-database"  # noqa: S105  # a name
PASSWORD_KEY, URL_KEY = "password", "url"

DATA = "/var/lib/postgresql/data"
PATIENCE = "connect_timeout=5&keepalives_idle=30&keepalives_interval=10&keepalives_count=3"
"""A connection begun while the node's network comes up is lost; the kernel alone waits two minutes for it."""
PASSWORD_FOLDER = "/etc/postgres"  # noqa: S105


def database_url(password: str) -> str:
    """How Airflow reaches it; the password must need no escaping."""
    return f"postgresql+psycopg2://{USER}:{password}@{NAME}:{POSTGRES_PORT}/{DATABASE}?{PATIENCE}"


def postgres(context: AirflowContext) -> list[Object]:
    """Service account, Service and StatefulSet."""
    place = (NAME, context.namespace, context.team)
    volume = claim("data", context.cluster.storage_class, context.settings.postgres.storage_gib)
    return [
        service_account(*place, {}),
        service(*place, POSTGRES_PORT),
        stateful_set(*place, _pod(context), volume),
    ]


def _pod(context: AirflowContext) -> Object:
    settings = context.settings.postgres
    ready = execute("pg_isready", "--quiet", "--username", USER, "--dbname", DATABASE)
    server = container(
        "postgres",
        context.images["postgres"],
        settings.resources,
        args=[
            *("-c", f"shared_buffers={settings.shared_buffers_mib}MB"),
            *("-c", f"max_connections={settings.max_connections}"),
            # Queries of Airflow are short: a parallel worker costs more than it saves.
            *("-c", "max_parallel_workers_per_gather=0"),
            *("-c", "autovacuum_naptime=120s"),
        ],
        env=[
            {"name": "POSTGRES_USER", "value": USER},
            {"name": "POSTGRES_DB", "value": DATABASE},
            {"name": "POSTGRES_PASSWORD_FILE", "value": f"{PASSWORD_FOLDER}/{PASSWORD_KEY}"},
        ],
        ports=[{"name": "main", "containerPort": POSTGRES_PORT, "protocol": "TCP"}],
        volumeMounts=[mount("data", DATA), mount("password", PASSWORD_FOLDER, read_only=True)],
        # Five minutes to replay the log after a crash.
        startupProbe=probe(ready, timedelta(seconds=2), failures=150),
        readinessProbe=probe(ready, timedelta(seconds=20), failures=2),
        livenessProbe=probe({"tcpSocket": {"port": POSTGRES_PORT}}, timedelta(seconds=30), failures=4),
    )
    return pod_spec(
        NAME,
        [server],
        # A clean stop writes a checkpoint.
        terminationGracePeriodSeconds=60,
        volumes=[secret_volume("password", SECRET, PASSWORD_KEY)],
    )
