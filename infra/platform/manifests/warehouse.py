"""The warehouse: a database for what pipelines make, on a server of its own."""

from typing import Final

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.objects import metadata, network_policy, pods_with, way
from infra.platform.manifests.postgres import PATIENCE, Database, server
from infra.platform.names import (
    COMPONENT_LABEL,
    POSTGRES_PORT,
    SPARK_DRIVER,
    connection_label,
    connection_secret,
    selector,
)

NAME: Final = "warehouse"
"""Of the server, its database, the role that tasks log in as, and the connection that they ask for."""

SECRET: Final = "warehouse-database"  # noqa: S105  # a name
CONNECTION_SECRET, URI_KEY = connection_secret(NAME), "uri"

WAREHOUSE: Final = Database(NAME, database=NAME, user="postgres", secret=SECRET, owner=NAME)


def warehouse(context: AirflowContext) -> list[Object]:
    """The server, and the way to it: from drivers whose task asked for it."""
    settings = context.settings.warehouse
    if settings is None:
        return []
    drivers = pods_with({COMPONENT_LABEL: SPARK_DRIVER, connection_label(NAME): "true"})
    policy = network_policy(
        metadata(NAME, context.namespace, context.team),
        selector(NAME, context.namespace),
        [way(POSTGRES_PORT, [drivers])],
        egress=[],
    )
    return [*server(context, WAREHOUSE, settings), policy]


def warehouse_uri(password: str) -> str:
    """How a task reaches it, as its owner; the password must need no escaping."""
    return f"postgresql://{NAME}:{password}@{NAME}:{POSTGRES_PORT}/{NAME}?{PATIENCE}"
