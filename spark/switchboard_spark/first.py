"""The first executor: made while the driver's Java starts, as Spark would make it a few seconds later.

It waits for its driver, which counts it as one of its own (`jvm/FirstExecutor.scala`). What it is made of are
the session's settings, like all the others.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Any

from switchboard_spark.conf import NAME_PREFIX
from switchboard_spark.model import BLOCK_MANAGER_PORT, SparkTask
from switchboard_spark.pods import SCRATCH, PodIdentity, trial_pod

NUMBER = "0"
"""Its id. Spark's own begin with 1."""

HOST_NAME = 63
"""The longest that Kubernetes allows."""


def first_executor(task: SparkTask, pod: PodIdentity, conf: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The pod of executor 0, for a driver with this configuration."""
    made = trial_pod(task, pod, secret)
    metadata, spec = made["metadata"], made["spec"]
    (container,) = spec["containers"]
    del metadata["generateName"]
    metadata["name"] = name = f"{conf[NAME_PREFIX]}-exec-{NUMBER}"
    metadata["labels"] |= {
        "spark-app-selector": conf["spark.app.id"],
        "spark-exec-id": NUMBER,
        "spark-exec-resourceprofile-id": "0",
        "spark-role": "executor",
    }
    metadata["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid, "controller": True}
    ]
    spec["hostname"] = name[-HOST_NAME:].lstrip("-")
    grace = conf["spark.kubernetes.executor.terminationGracePeriodSeconds"]
    spec["terminationGracePeriodSeconds"] = int(grace.removesuffix("s"))
    script = conf["spark.kubernetes.decommission.script"]
    container |= {
        "env": [*container["env"], *_variables(conf)],
        "imagePullPolicy": conf["spark.kubernetes.container.image.pullPolicy"],
        "lifecycle": {"preStop": {"exec": {"command": [script]}}},
        "ports": [{"name": "blockmanager", "containerPort": BLOCK_MANAGER_PORT}],
    }
    return made


def startup_options(conf: Mapping[str, str]) -> list[str]:
    """The settings that an executor has to have before it can ask its driver for the others. Which ones those
    are is Spark's `SparkConf.isExecutorStartupConf`.
    """
    return [f"-D{name}={value}" for name, value in conf.items() if _at_startup(name)]


def _at_startup(name: str) -> bool:
    of_connections = ("spark.auth", "spark.rpc", "spark.network", "spark.ssl", "spark.port.")
    return name.startswith(of_connections) or (name.startswith("spark.") and name.endswith(".port"))


def _variables(conf: Mapping[str, str]) -> list[dict[str, Any]]:
    driver = f"{conf['spark.driver.bindAddress']}:{conf['spark.driver.port']}"
    values = {
        "SPARK_USER": getpass.getuser(),
        "SPARK_DRIVER_URL": f"spark://CoarseGrainedScheduler@{driver}",
        "SPARK_EXECUTOR_CORES": conf["spark.executor.cores"],
        "SPARK_EXECUTOR_MEMORY": conf["spark.executor.memory"],
        "SPARK_APPLICATION_ID": conf["spark.app.id"],
        "SPARK_CONF_DIR": "/opt/spark/conf",
        "SPARK_EXECUTOR_ID": NUMBER,
        "SPARK_RESOURCE_PROFILE_ID": "0",
        **{f"SPARK_JAVA_OPT_{number}": option for number, option in enumerate(startup_options(conf))},
        "SPARK_LOCAL_DIRS": SCRATCH,
    }
    fields = {"SPARK_EXECUTOR_POD_IP": "status.podIP", "SPARK_EXECUTOR_POD_NAME": "metadata.name"}
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *(
            {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for name, path in fields.items()
        ),
    ]
