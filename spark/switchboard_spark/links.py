"""Links from a task's page in Airflow to its Spark pages.

Airflow's API server does not import DAG code: it shows what lies in a task's XComs under a link's key. The
operator writes both links as soon as there is a driver, and Airflow asks `get_link` once more at the end.
The pages themselves are behind Airflow's own login (`switchboard_airflow.spark_pages`).
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

UI_PATH, HISTORY_PATH = "/spark", "/spark-history"
"""Where the API server shows a driver's own page (`/spark/<pod>/`) and the history server."""


def application_id(pod_uid: str) -> str:
    """Spark's id of the application whose driver is this pod: known without asking the driver."""
    return f"spark-{pod_uid.replace('-', '')}"


def ui_url(pod: str) -> str:
    """The page of a driver that runs."""
    return f"{_airflow()}{UI_PATH}/{pod}/"


def history_url(server: str, application: str) -> str:
    """An application's page in the history server: at its own address, or through Airflow's API server."""
    return f"{server.rstrip('/') or _airflow() + HISTORY_PATH}/history/{application}/jobs/"


def _airflow() -> str:
    return str(conf.get("api", "base_url", fallback="")).rstrip("/")


class SparkUILink(BaseOperatorLink):
    """The driver's own page while it runs, the history afterwards."""

    name = "Spark UI"
    xcom_key = "spark_ui"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow's signature
        """Asked at the end of the task."""
        return str(operator.spark_history)


class SparkHistoryLink(BaseOperatorLink):
    """The history server's page of the application; Spark writes its log there while it runs."""

    name = "Spark history"
    xcom_key = "spark_history"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow's signature
        """Asked at the end of the task."""
        return str(operator.spark_history)
