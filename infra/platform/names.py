"""Names, ports and labels that several objects must agree on."""

from typing import Final

AIRFLOW_PORT: Final = 8080
POSTGRES_PORT: Final = 5432
GIT_PORT: Final = 8080
SCHEDULER_HEALTH_PORT: Final = 8974
TRIGGERER_LOG_PORT: Final = 8794
SPARK_DRIVER_PORT, SPARK_BLOCK_MANAGER_PORT, SPARK_UI_PORT = 7078, 7079, 4040
SPARK_HISTORY_PORT: Final = 18080

USER_ID: Final = 10001
"""The one user of all our images."""

GIT_NAMESPACE: Final = "dag-git"
GIT_URL: Final = f"http://git-server.{GIT_NAMESPACE}:{GIT_PORT}/dags.git"
GIT_READER, GIT_WRITER = "reader", "writer"

RECONCILER: Final = "reconciler"
"""The Airflow user and role of the reconciler."""

STAGE: Final = "stage"
OBJECT_STORE: Final = "object-store"

SPARK_DRIVER, SPARK_EXECUTOR, SPARK_HISTORY = "spark-driver", "spark-executor", "spark-history"
"""Service accounts; the first two are priority classes and components too."""

COMPONENT_LABEL: Final = "app.kubernetes.io/component"
"""What a pod that a task makes is there for: the platform's own pods go by their name."""

TEAM_LABEL: Final = "switchboard.internal/team"
DATABASE_CLIENT_LABEL: Final = "switchboard.internal/database-client"


def connection_label(name: str) -> str:
    """On drivers of tasks that asked for the connection (spark/switchboard_spark/driver.py)."""
    return f"switchboard/connection-{name}"


def connection_secret(name: str) -> str:
    """Where such a driver takes the connection's URI from."""
    return f"connection-{name}"


def airflow_namespace(team: str) -> str:
    """Where a team's Airflow, its database and its tasks run."""
    return f"airflow-{team}"


def selector(component: str, instance: str) -> dict[str, str]:
    """The labels that find a component's pods: never changed, or its Deployment would have to be replaced."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/instance": instance}


def labels(component: str, instance: str, team: str | None = None) -> dict[str, str]:
    """The recommended labels of an object, with the team that it belongs to."""
    return {
        **selector(component, instance),
        "app.kubernetes.io/part-of": "switchboard",
        "app.kubernetes.io/managed-by": "pulumi",
        **({TEAM_LABEL: team} if team else {}),
    }
