"""The session of an application: on the cluster that its task asked for, or on a laptop, by the same call."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from switchboard_spark import event_log, java
from switchboard_spark.conf import NAME_PREFIX, SECRET_FILE, cluster_conf, local_conf
from switchboard_spark.java import Java, Starting
from switchboard_spark.model import TASK_VARIABLE, SparkTask
from switchboard_spark.pods import SCRATCH, PodIdentity, executor_pod

if TYPE_CHECKING:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

TEMPLATE = Path(SCRATCH) / "spark-executor.json"


class SessionError(RuntimeError):
    """There could be no session; it is not the application's fault."""


class Preparation:
    """What has to be done before Spark starts, while Java already does."""

    def __init__(self) -> None:
        self.finish: Callable[[], object] = lambda: None
        """Called once Java is there; what it raises is raised by `spark_session`."""
        self.starting: Starting | None = None
        """Java's process, from when it was begun with until somebody connects to it."""
        self.java: Java | None = None
        """Java's process: one, however many sessions follow each other, since it takes seconds to start."""
        self.sessions = 0
        self.first_session: float | None = None
        """When the first one was there, in seconds of the clock."""


preparation = Preparation()


def begin(environment: Mapping[str, str]) -> dict[str, str]:
    """Start Java for a Spark task's session, which takes longest of all that it needs. Does not wait; gives
    what the session is configured with. Anywhere else Java starts with the session, and this does nothing.
    """
    if not environment.get(TASK_VARIABLE):
        return {}
    conf = session_conf(environment)
    preparation.starting = java.begin(conf)
    return conf


def spark_session() -> SparkSession:
    """The session, made where there is none.

    In a Spark task it is that of the task's driver. Anywhere else it is a local one (`local[*]`) that has the
    same S3, where AWS_ENDPOINT_URL_S3 and AWS's other variables are set: code runs on a laptop unchanged.

    Raises:
        SessionError: Java, the event log's folder or the Kubernetes API failed.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if running_context() is not None:
        return SparkSession.builder.getOrCreate()
    settings = session_conf(os.environ, preparation.sessions)
    try:
        preparation.java = preparation.java or connected(settings)
        preparation.finish()
        conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
        session = SparkSession(started(conf, preparation.java))
    except (Py4JError, PySparkException, java.JavaError) as error:
        raise SessionError(f"Spark did not start: {error}") from error
    preparation.sessions += 1
    preparation.first_session = preparation.first_session or time.time()
    return session


def started(conf: SparkConf, with_java: Java) -> SparkContext:
    """Spark's context; a second time where the event log had no folder yet."""
    from py4j.protocol import Py4JJavaError
    from pyspark import SparkContext

    try:
        return SparkContext(conf=conf, gateway=with_java.gateway)
    except Py4JJavaError as error:
        folder = conf.get("spark.eventLog.dir", "")
        if not event_log.is_missing(folder, error):
            raise
        event_log.make_folder(folder)
        return SparkContext(conf=conf, gateway=with_java.gateway)


def connected(settings: Mapping[str, str]) -> Java:
    """The Java that was begun with, or a new one. Raises JavaError."""
    starting, preparation.starting = preparation.starting, None
    return java.connect(starting or java.begin(settings), settings)


def running_context() -> SparkContext | None:
    """Spark's context, in whichever thread it was made; pyspark's public ways to ask would make one."""
    from pyspark import SparkContext

    return SparkContext._active_spark_context  # noqa: SLF001


def session_conf(environment: Mapping[str, str], earlier: int = 0) -> dict[str, str]:
    """The configuration for where this process is. Writes the executors' pod template where it needs one.

    `earlier` is how many sessions this process had before.
    """
    text = environment.get(TASK_VARIABLE)
    if not text:
        return local_conf(environment, with_s3a=has_s3a())
    task = SparkTask.model_validate_json(text)
    # JSON is YAML.
    TEMPLATE.write_text(json.dumps(executor_pod(task, shared_secret())))
    conf = cluster_conf(task, PodIdentity.of(environment), TEMPLATE, environment)
    if earlier:
        conf["spark.app.id"] += f"-{earlier + 1}"
        conf[NAME_PREFIX] += f"-{earlier + 1}"
    return conf


def shared_secret(file: Path = Path(SECRET_FILE)) -> str:
    """By what this driver and its executors know each other, in base64; made where there is none yet."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(secrets.token_bytes(32))
    return base64.b64encode(file.read_bytes()).decode()


def has_s3a() -> bool:
    """Whether this pyspark has the jars for S3, which a laptop's need not."""
    import pyspark

    return any((Path(pyspark.__file__).parent / "jars").glob("hadoop-aws-*.jar"))
