"""What a DAG author may give a Spark task; everything else is refused while the DAG is parsed."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import BaseOperator

APPLICATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

OWN = frozenset(
    {"application", "image", "arguments", "size", "connections", "pool", "retries", "application_retries"}
)
"""Names of SparkTaskOperator's own arguments."""

COMMON = frozenset(inspect.signature(BaseOperator.__init__).parameters)
"""Names of what every Airflow task takes."""

PODS = frozenset(inspect.signature(KubernetesPodOperator.__init__).parameters) - COMMON - OWN
"""Names of what only tasks that are pods take."""

INSTEAD: dict[str, str] = {
    **dict.fromkeys(("env_vars", "env_from", "configmaps"), "give the function `arguments`"),
    **dict.fromkeys(("volumes", "volume_mounts"), "keep data in the object store"),
    **dict.fromkeys(
        ("container_resources", "node_selector", "tolerations", "affinity", "pool_slots", "executor_config"),
        "choose a `size`",
    ),
    **dict.fromkeys(("schedule_timeout_seconds", "startup_timeout_seconds"), "set `execution_timeout`"),
    **dict.fromkeys(("durable", "reattach_on_restart"), "leave it: a try goes on with the driver that lives"),
    **dict.fromkeys(("conf", "spark_conf"), "choose a `size`"),
    "cmds": "name a function as `application`",
    "init_containers": "put it into the image",
    "do_xcom_push": "leave it: what the function returns is the XCom",
    "deferrable": "leave it: the driver's log follows it while it runs",
}
"""What to do in place of an argument that pods have."""

OTHERWISE = "the platform sets it; what it lacks belongs in its settings"


def refuse(name: str, given_as: str = "") -> None:
    """Raises TypeError, with what to do instead."""
    raise TypeError(f"SparkTaskOperator takes no {name!r}{given_as}: {INSTEAD.get(name, OTHERWISE)}")


def check_names(given: Mapping[str, Any]) -> None:
    """Take what every Airflow task takes. Raises TypeError for anything else, pod specs above all."""
    for name, value in given.items():
        # A mapped task is made with all that tasks have in common, `executor_config={}` too
        if name not in COMMON or (name in INSTEAD and value):
            refuse(name)


def check_defaults(defaults: Mapping[str, Any] | None) -> None:
    """Airflow gives `default_args` of a DAG or a group to every class that an operator is made of, so what
    pods have would get in there. Raises TypeError for that; what other operators take is left alone.
    """
    for name in defaults or {}:
        if name in PODS or name == "executor_config":
            refuse(name, " from `default_args`")


def check_application(application: str) -> None:
    """Raises ValueError for what is not `package.module:function`."""
    if not APPLICATION.fullmatch(application):
        raise ValueError(
            f"application={application!r} is not package.module:function; name a function of a module "
            "that is in the image"
        )


def check_json(value: Any, where: str) -> None:
    """Raises TypeError for what cannot become JSON; what is only known at run time is passed over."""
    if hasattr(value, "resolve") or value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float) and math.isfinite(value):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: the key {key!r} is not a string; JSON has no others")
            check_json(item, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_json(item, f"{where}[{index}]")
    else:
        raise TypeError(
            f"{where} is {value!r}, which is no JSON; give text, numbers, booleans, lists or dictionaries"
        )


def check_arguments(arguments: Any) -> None:
    """Keyword arguments of a function. Raises TypeError for what is no JSON object."""
    if not hasattr(arguments, "resolve") and not isinstance(arguments, Mapping):
        raise TypeError(
            f"arguments={arguments!r} is not a dictionary; give the function's arguments by their names"
        )
    check_json(arguments, "arguments")


def as_json(arguments: Any) -> str:
    """Rendered arguments, as the task's pod gets them. Raises TypeError for what is no JSON object."""
    check_arguments(arguments)
    return json.dumps(arguments, allow_nan=False, default=list)
