"""Spark's history server: the page of applications that ended, from the event logs in the object store."""

import shlex
from datetime import timedelta
from typing import Final
from xml.sax.saxutils import escape

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import API_SERVER
from infra.platform.manifests.digest import short_digest
from infra.platform.manifests.objects import (
    config_map,
    deployment,
    metadata,
    network_policy,
    pods_with,
    service,
    service_account,
    way,
)
from infra.platform.manifests.pods import container, http, mount, pod_spec, probe
from infra.platform.manifests.spark_config import event_log_uri
from infra.platform.names import OBJECT_STORE, SPARK_HISTORY, SPARK_HISTORY_PORT, selector
from infra.platform.spark_settings import Spark

CONFIG_FOLDER: Final = "/etc/spark-history"
STORE: Final = "/tmp/history"  # noqa: S108  # in the pod, its own
STORE_MIB: Final = 300
"""Of the half GiB at /tmp: what somebody looked at is read once and kept there, not in the heap."""

JAVA: Final = ("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:MaxRAMPercentage=50")

CREDENTIALS: Final = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
"""Keys from the environment, or the pod's cloud identity."""


def spark_history(context: AirflowContext) -> list[Object]:
    """Service account, configuration, network policy, Service and Deployment; nothing where it's off."""
    spark = context.settings.spark
    if spark is None or not spark.history_server:
        return []
    place = (SPARK_HISTORY, context.namespace, context.team)
    entrance = context.history_entrance
    # It asks nobody who they are: without an entrance of its own, people come through Airflow, which does.
    sources = [] if entrance else [pods_with(selector(API_SERVER, context.namespace))]
    ways_in = [way(SPARK_HISTORY_PORT, sources)]
    hadoop = config_map(*place, {"core-site.xml": _core_site(context)})
    server = deployment(*place, _pod(context, spark), pod_labels={})
    server["spec"]["template"]["metadata"]["annotations"] = {
        "switchboard.internal/config": short_digest(hadoop["data"])
    }
    return [
        service_account(*place, context.cluster.service_account_annotations),
        hadoop,
        network_policy(metadata(*place), selector(SPARK_HISTORY, context.namespace), ways_in),
        service(*place, SPARK_HISTORY_PORT, entrance.node_port if entrance else None),
        server,
    ]


def _pod(context: AirflowContext, spark: Spark) -> Object:
    page = http("/api/v1/version", SPARK_HISTORY_PORT)
    keys = {"secretRef": {"name": OBJECT_STORE, "optional": True}}
    server = container(
        SPARK_HISTORY,
        context.images["spark-base"],
        spark.history_server_resources,
        command=["tini", "--", "sh", "-c", _script(context, spark)],
        envFrom=[{"configMapRef": {"name": OBJECT_STORE}}, keys],
        ports=[{"name": "main", "containerPort": SPARK_HISTORY_PORT, "protocol": "TCP"}],
        volumeMounts=[mount("config", CONFIG_FOLDER, read_only=True)],
        # Five minutes: two starts of Java on a machine that is busy with everything else at once.
        startupProbe=probe(page, timedelta(seconds=3), failures=100),
        readinessProbe=probe(page, timedelta(seconds=30), failures=2),
        livenessProbe=probe(page, timedelta(seconds=30), failures=5),
    )
    volume = {"name": "config", "configMap": {"name": SPARK_HISTORY}}
    return pod_spec(SPARK_HISTORY, [server], volumes=[volume])


def _script(context: AirflowContext, spark: Spark) -> str:
    """Make the folder, since neither the server nor a driver starts without it, and serve."""
    logs = event_log_uri(context)
    options = {
        "spark.history.fs.logDirectory": logs,
        "spark.history.ui.port": str(SPARK_HISTORY_PORT),
        "spark.history.ui.title": f"Spark in {context.namespace}",
        "spark.history.fs.update.interval": f"{spark.history_scan_seconds}s",
        "spark.history.store.path": STORE,
        "spark.history.store.maxDiskUsage": f"{STORE_MIB}m",
        "spark.history.fs.cleaner.enabled": "true",
        "spark.history.fs.cleaner.maxAge": f"{spark.event_log_days}d",
    }
    settings = [f"-D{name}={value}" for name, value in options.items()]
    serve = shlex.join([*JAVA, *settings, "org.apache.spark.deploy.history.HistoryServer"])
    make = shlex.join([*JAVA, "org.apache.hadoop.fs.FsShell", "-mkdir", "-p", logs])
    return (
        f'export CLASSPATH="{CONFIG_FOLDER}:$SPARK_HOME/jars/*"\n'
        f"mkdir -p {STORE} &&\njava {make} &&\nexec java {serve}\n"
    )


def _core_site(context: AirflowContext) -> str:
    """How Hadoop reaches the object store. Keys, where there are any, come from the environment."""
    store = context.cluster.object_store
    properties = {
        "fs.s3a.aws.credentials.provider": CREDENTIALS,
        "fs.s3a.endpoint.region": store.region,
        "fs.s3a.path.style.access": str(store.path_style).lower(),
        # A log is read once, from front to back: nothing to prefetch.
        "fs.s3a.input.stream.type": "classic",
    }
    if store.endpoint_url:
        # Not every store can tell a changed object by its version.
        properties |= {"fs.s3a.endpoint": store.endpoint_url, "fs.s3a.change.detection.mode": "none"}
    lines = [
        f"  <property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in properties.items()
    ]
    return "\n".join(["<configuration>", *lines, "</configuration>", ""])
