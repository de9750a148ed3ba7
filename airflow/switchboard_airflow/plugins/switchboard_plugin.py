"""What Airflow's processes load of ours by themselves (`plugins_folder` in airflow.cfg).

Every one of them does, task pods too, so nothing heavy is imported here.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from switchboard_airflow import orphans

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Later:
    """A web application that is made when it is first asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._made: Asgi | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if self._made is None:
            from switchboard_airflow import spark_pages

            self._made = spark_pages.make(self.name)
        await self._made(scope, receive, send)


class SwitchboardPlugin(AirflowPlugin):
    """Spark's pages behind Airflow's login, and the end of pods that nobody follows any more."""

    name = "switchboard"
    fastapi_apps: list[Any] = [  # noqa: RUF012  declared so by Airflow
        {"app": Later("drivers"), "url_prefix": "/spark", "name": "Spark UI"},
        {"app": Later("history"), "url_prefix": "/spark-history", "name": "Spark history"},
    ]
    listeners: list[Any] = [orphans]  # noqa: RUF012  declared so by Airflow
