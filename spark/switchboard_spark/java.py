"""Starts the driver's Java.

Where the image has `java.args` (`image/archive_classes.py`) it is started with that, from an archive of
classes. That takes half the processor time of pyspark's own way, which also starts another Java first, only
to put the command together. Elsewhere pyspark starts it.
"""

from __future__ import annotations

import os
import shlex
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MAIN = "org.apache.spark.deploy.SparkSubmit"
SHELL = "pyspark-shell"
"""What SparkSubmit calls an application whose Python is there already."""

MEMORY, OPTIONS = "spark.driver.memory", "spark.driver.extraJavaOptions"
TOLD_IN = "_PYSPARK_DRIVER_CONN_INFO_PATH"
"""Variable with the file in which Java says where it listens, and the secret to be let in."""

TIMEOUT_S = 120.0
POLL_S = 0.02


class Java(NamedTuple):
    """Java's process, and pyspark's connection to it."""

    process: subprocess.Popen[bytes]
    gateway: Any


def start(settings: Mapping[str, str]) -> Java:
    """Start Java for a driver with these settings. Raises JavaError."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    arguments = Path(os.environ.get("SPARK_HOME", "/nowhere")) / "java.args"
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    if not arguments.exists():
        gateway = launch_gateway(conf)
        return Java(gateway.proc, gateway)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "java"
        process = subprocess.Popen(
            command(arguments, settings),
            stdin=subprocess.PIPE,  # Java ends when this does
            env={**os.environ, TOLD_IN: str(told), "SPARK_CONNECT_MODE": "0"},
        )
        port, secret = _listens(process, told)
    # With these, pyspark connects to a Java that is there.
    os.environ.update(PYSPARK_GATEWAY_PORT=str(port), PYSPARK_GATEWAY_SECRET=secret)
    try:
        return Java(process, launch_gateway(conf))
    finally:
        del os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"]


class JavaError(RuntimeError):
    """Java did not start."""


def command(arguments: Path, settings: Mapping[str, str]) -> list[str]:
    """What `spark-submit` would make of the settings: two of them are Java's, all are Spark's."""
    memory = [f"-Xmx{settings[MEMORY]}"] if MEMORY in settings else []
    told = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    return ["java", f"@{arguments}", *memory, *shlex.split(settings.get(OPTIONS, "")), MAIN, *told, SHELL]


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
