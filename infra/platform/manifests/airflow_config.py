"""What differs between deployments in Airflow's configuration. What doesn't is in
airflow/config/airflow.cfg.
"""

import json

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.object_store import aws_connection
from infra.platform.manifests.objects import config_map, secret
from infra.platform.manifests.pods import from_secret
from infra.platform.manifests.postgres import SECRET as DATABASE_SECRET
from infra.platform.manifests.postgres import URL_KEY
from infra.platform.manifests.spark_config import spark_variables
from infra.platform.names import AIRFLOW_PORT, GIT_READER, GIT_URL, OBJECT_STORE

API_SERVER = "airflow-api-server"

CONFIG, POOLS = "airflow-config", "airflow-pools"
KEYS, AWS, GIT = "airflow-keys", "airflow-aws", "airflow-git"

FERNET_KEY, JWT_KEY, SESSION_KEY = "fernet", "jwt", "session"
GIT_PASSWORD_KEY = "password"  # noqa: S105  # a name

DAGS_FOLDER, DAGS_LINK = "/dags", "current"
"""git-sync's root, and the link in it to the commit that it published last."""

GIT_FOLDER = "/etc/switchboard/git"


def config(context: AirflowContext) -> Object:
    """The ConfigMap with the variables of every Airflow container."""
    logs = context.cluster.object_store.buckets["logs"]
    bundle = {
        "name": context.team,
        "classpath": "switchboard_airflow.bundle.GitSyncDagBundle",
        "kwargs": {
            "link": f"{DAGS_FOLDER}/{DAGS_LINK}",
            "url": GIT_URL,
            "folder": context.team,
            "username": GIT_READER,
            "password_file": f"{GIT_FOLDER}/{GIT_PASSWORD_KEY}",
        },
    }
    pools = {name: pool.model_dump() for name, pool in context.cluster.node_pools.items()}
    data = {
        "SWITCHBOARD_NODE_POOLS": json.dumps(pools, sort_keys=True),
        **spark_variables(context),
        "AIRFLOW__API__BASE_URL": context.entrance.url,
        "AIRFLOW__API__INSTANCE_NAME": f"Switchboard {context.team}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{API_SERVER}:{AIRFLOW_PORT}/execution/",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE": context.namespace,
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{logs}/{context.team}",
    }
    return config_map(CONFIG, context.namespace, context.team, data)


def pools(context: AirflowContext) -> Object:
    """The ConfigMap with the declared pools, as the reconciler reads it."""
    declared = {name: pool.model_dump() for name, pool in context.settings.all_pools.items()}
    data = {"pools.json": json.dumps(declared, indent=2, sort_keys=True)}
    return config_map(POOLS, context.namespace, context.team, data)


def aws(context: AirflowContext) -> Object:
    """The Secret with the connection `aws_default`: task logs go to S3 through it."""
    return secret(AWS, context.namespace, context.team, {"connection": aws_connection(context)})


def connections_json(context: AirflowContext) -> str:
    """The declared connections, as the reconciler reads them. Holds secrets."""
    declared = {}
    for name, connection in context.settings.connections.items():
        declared[name] = {
            **connection.model_dump(exclude={"password", "extra", "connection_schema"}),
            "schema": connection.connection_schema,
            "password": connection.password.get_secret_value() if connection.password else None,
            "extra": json.dumps(connection.extra, sort_keys=True) if connection.extra else None,
        }
    return json.dumps(declared, sort_keys=True)


def common_environment() -> Object:
    """Where every Airflow container takes its variables from."""
    return {"envFrom": [{"configMapRef": {"name": CONFIG}}, {"configMapRef": {"name": OBJECT_STORE}}]}


def server_variables() -> list[Object]:
    """What only the platform's own processes get; a task's pod talks to the API server with its own token."""
    return [
        from_secret("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", DATABASE_SECRET, URL_KEY),
        from_secret("AIRFLOW__CORE__FERNET_KEY", KEYS, FERNET_KEY),
        from_secret("AIRFLOW__API_AUTH__JWT_SECRET", KEYS, JWT_KEY),
        from_secret("AIRFLOW__API__SECRET_KEY", KEYS, SESSION_KEY),
    ]


def log_variables() -> list[Object]:
    """For what writes or reads task logs."""
    return [from_secret("AIRFLOW_CONN_AWS_DEFAULT", AWS, "connection")]
