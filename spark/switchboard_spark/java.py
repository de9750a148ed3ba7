"""Starts the driver's Java.

Where the image has `java.args` (`image/archive_classes.py`) it is started with that, from an archive of
classes, and at once with what `SparkSubmit` would come to. That takes less than half the processor time of
pyspark's own way, which also starts another Java first, only to put the command together, and nobody has to
wait for it before there is something to do. Elsewhere pyspark starts it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MAIN = "org.apache.spark.api.python.PythonGatewayServer"
"""What `SparkSubmit` runs for an application whose Python is there already; to find that out takes it a
quarter of a second. Settings are Java's system properties to it, as `SparkSubmit` makes them.
"""

MEMORY, OPTIONS = "spark.driver.memory", "spark.driver.extraJavaOptions"
TOLD_IN = "_PYSPARK_DRIVER_CONN_INFO_PATH"
"""Variable with the file in which Java says where it listens, and the secret to be let in."""

TIMEOUT_S = 120.0
POLL_S = 0.02


class Java(NamedTuple):
    """Java's process, and pyspark's connection to it."""

    process: subprocess.Popen[bytes]
    gateway: Any


class Starting(NamedTuple):
    """Java's process, and the file in which it will say where it listens."""

    process: subprocess.Popen[bytes]
    told: Path


def begin(settings: Mapping[str, str]) -> Starting | None:
    """Start Java for a driver with these settings, and do not wait; None: pyspark has to, in `connect`."""
    arguments = Path(os.environ.get("SPARK_HOME", "/nowhere")) / "java.args"
    if not arguments.exists():
        return None
    told = Path(tempfile.mkdtemp(prefix="java-")) / "told"
    process = subprocess.Popen(
        command(arguments, settings),
        stdin=subprocess.PIPE,  # Java ends when this does
        env={**os.environ, TOLD_IN: str(told), "SPARK_CONNECT_MODE": "0"},
    )
    return Starting(process, told)


def connect(starting: Starting | None, settings: Mapping[str, str]) -> Java:
    """Wait for a Java that was started with these settings, and connect pyspark to it. Raises JavaError."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    if starting is None:
        gateway = launch_gateway(conf)
        return Java(gateway.proc, gateway)
    try:
        port, secret = _listens(starting.process, starting.told)
    finally:
        shutil.rmtree(starting.told.parent, ignore_errors=True)
    # With these, pyspark connects to a Java that is there.
    os.environ.update(PYSPARK_GATEWAY_PORT=str(port), PYSPARK_GATEWAY_SECRET=secret)
    try:
        return Java(starting.process, launch_gateway(conf))
    finally:
        del os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"]


class JavaError(RuntimeError):
    """Java did not start."""


def command(arguments: Path, settings: Mapping[str, str]) -> list[str]:
    """What `spark-submit` would make of the settings: two of them are Java's, all are Spark's."""
    memory = [f"-Xmx{settings[MEMORY]}"] if MEMORY in settings else []
    told = [f"-D{name}={value}" for name, value in settings.items()]
    return ["java", f"@{arguments}", *memory, *shlex.split(settings.get(OPTIONS, "")), *told, MAIN]


def _listens(process: subprocess.Popen[bytes], told: Path) -> tuple[int, str]:
    """Wait until Java says where it listens."""
    deadline = time.monotonic() + TIMEOUT_S
    while not told.exists():  # renamed into place by Java
        if process.poll() is not None:
            raise JavaError(f"Java ended with exit code {process.returncode}, see the log")
        if time.monotonic() > deadline:
            process.kill()
            raise JavaError(f"Java did not start within {TIMEOUT_S:.0f} s")
        time.sleep(POLL_S)
    content = told.read_bytes()
    port, length = struct.unpack("!ii", content[:8])
    return port, content[8 : 8 + length].decode()
