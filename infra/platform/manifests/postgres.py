"""A Postgres server with one database and a volume of its own; Airflow's metadata database is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.objects import claim, service, service_account, stateful_set
from infra.platform.manifests.pods import (
    container,
    execute,
    mount,
    pod_spec,
    probe,
    secret_volume,
    variables,
)
from infra.platform.names import POSTGRES_PORT
from infra.platform.settings import Postgres

NAME = "airflow-postgres"
DATABASE = USER = "airflow"
SECRET = "airflow-database"  # noqa: S105  # a name
PASSWORD_KEY, OWNER_PASSWORD_KEY, URL_KEY = "password", "owner-password", "url"

DATA = "/var/lib/postgresql/data"
PATIENCE = "connect_timeout=5&keepalives_idle=30&keepalives_interval=10&keepalives_count=3"
"""A connection begun while the node's network comes up is lost; the kernel alone waits two minutes for it."""
PASSWORD_FOLDER = "/etc/postgres"  # noqa: S105


@dataclass(frozen=True)
class Database:
    """A server's name, its one database, and who there is."""

    name: str
    database: str
    user: str
    """May do everything."""
    secret: str
    """Has the passwords."""
    owner: str = ""
    """Owns the database and may do nothing else; empty: there is none."""
    configuration: Sequence[str] = ()
    """`name=value` of Postgres."""


AIRFLOW = Database(
    NAME,
    DATABASE,
    USER,
    SECRET,
    # Queries of Airflow are short: a parallel worker costs more than it saves.
    configuration=("max_parallel_workers_per_gather=0", "autovacuum_naptime=120s"),
)


def database_url(password: str) -> str:
    """How Airflow reaches it; the password must need no escaping."""
    return f"postgresql+psycopg2://{USER}:{password}@{NAME}:{POSTGRES_PORT}/{DATABASE}?{PATIENCE}"


def postgres(context: AirflowContext) -> list[Object]:
    """Airflow's."""
    return server(context, AIRFLOW, context.settings.postgres)


def server(context: AirflowContext, database: Database, settings: Postgres) -> list[Object]:
    """Service account, Service and StatefulSet."""
    place = (database.name, context.namespace, context.team)
    volume = claim("data", context.cluster.storage_class, settings.storage_gib)
    return [
        service_account(*place, {}),
        service(*place, POSTGRES_PORT),
        stateful_set(*place, _pod(context, database, settings), volume),
    ]


def _pod(context: AirflowContext, database: Database, settings: Postgres) -> Object:
    ready = execute("pg_isready", "--quiet", "--username", database.user, "--dbname", database.database)
    configuration = (
        f"shared_buffers={settings.shared_buffers_mib}MB",
        f"max_connections={settings.max_connections}",
        *database.configuration,
    )
    main = container(
        "postgres",
        context.images["postgres"],
        settings.resources,
        args=[word for setting in configuration for word in ("-c", setting)],
        env=variables(_environment(database)),
        ports=[{"name": "main", "containerPort": POSTGRES_PORT, "protocol": "TCP"}],
        volumeMounts=[mount("data", DATA), mount("password", PASSWORD_FOLDER, read_only=True)],
        # Five minutes to replay the log after a crash.
        startupProbe=probe(ready, timedelta(seconds=2), failures=150),
        readinessProbe=probe(ready, timedelta(seconds=20), failures=2),
        livenessProbe=probe({"tcpSocket": {"port": POSTGRES_PORT}}, timedelta(seconds=30), failures=4),
    )
    keys = (PASSWORD_KEY, OWNER_PASSWORD_KEY) if database.owner else (PASSWORD_KEY,)
    return pod_spec(
        database.name,
        [main],
        # A clean stop writes a checkpoint.
        terminationGracePeriodSeconds=60,
        volumes=[secret_volume("password", database.secret, *keys)],
    )


def _environment(database: Database) -> dict[str, str]:
    """As the image's entrypoint reads it."""
    owner = {
        "POSTGRES_OWNER": database.owner,
        "POSTGRES_OWNER_PASSWORD_FILE": f"{PASSWORD_FOLDER}/{OWNER_PASSWORD_KEY}",
    }
    return {
        "POSTGRES_USER": database.user,
        "POSTGRES_DB": database.database,
        "POSTGRES_PASSWORD_FILE": f"{PASSWORD_FOLDER}/{PASSWORD_KEY}",
        **(owner if database.owner else {}),
    }
