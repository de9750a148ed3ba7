"""What DAG authors' operators learn of a deployment's Spark: one variable of Airflow's pods."""

import json
from typing import Final

from infra.platform.context import AirflowContext
from infra.platform.manifests.warehouse import WAREHOUSE
from infra.platform.names import SPARK_DRIVER, SPARK_EXECUTOR
from infra.platform.spark_settings import Spark

VARIABLE: Final = "SWITCHBOARD_SPARK"


def event_log_uri(context: AirflowContext) -> str:
    """The folder of the deployment's event logs. Drivers write there, the history server reads."""
    return f"s3a://{context.cluster.object_store.buckets['logs']}/spark-events/{context.namespace}"


def run_records_uri(logs_bucket: str, namespace: str) -> str:
    """The folder of the records of a deployment's runs. Drivers write there, `make spark-advice` reads."""
    return f"s3://{logs_bucket}/spark-runs/{namespace}"


def spark_variables(context: AirflowContext) -> dict[str, str]:
    """The variable, where the deployment has Spark at all. Raises MissingEntranceError."""
    spark = context.settings.spark
    if spark is None:
        return {}
    sizes = {
        name: size.model_dump() | {"pool_slots": spark.pool_slots(size)} for name, size in spark.sizes.items()
    }
    value = {
        "sizes": sizes,
        "unschedulable_seconds": spark.unschedulable_seconds,
        "event_log_uri": event_log_uri(context),
        "run_records_uri": run_records_uri(context.cluster.object_store.buckets["logs"], context.namespace),
        "prices": spark.prices.model_dump(),
        "driver_priority_class": SPARK_DRIVER,
        "executor_priority_class": SPARK_EXECUTOR,
        "history_url": history_url(context, spark),
        "scraped": bool(spark.scraped_from),
        "connections": [WAREHOUSE.name] if context.settings.warehouse else [],
    }
    return {VARIABLE: json.dumps(value)}


def history_url(context: AirflowContext, spark: Spark) -> str:
    """The page of the history server as people reach it; empty where there is no entrance to it."""
    entrance = context.history_entrance
    return entrance.url.rstrip("/") if spark.history_server and entrance else ""
