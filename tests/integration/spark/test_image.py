"""The image runs applications, as restricted as in a pod, on a local session."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ops.images.engine import Engine
from tests.integration.images.containers import Docker, log_of, until
from tests.integration.spark.conftest import S3

pytestmark = pytest.mark.integration

SIZE_LIMIT_MB = 950
"""With a tenth to spare: who adds more should notice."""

NOT_NEEDED = "ls $SPARK_HOME/jars | grep -E 'hive-exec|datanucleus|spark-yarn|connect-repl|-osx-|windows'"
TRANSCRIPT = "[00:00:01] agent     Hello, hello there.\n[00:00:04] customer  There it is: hello!\n"


def ending(file: Path) -> Any:
    return json.loads(file.read_text())


def run(containers: Docker, image: str, message: Path, application: str, **options: Any) -> tuple[int, str]:
    """Run an application to its end; gives its exit status and log."""
    arguments = json.dumps(options.pop("arguments", {}))
    mount = {str(message): {"bind": "/dev/termination-log", "mode": "rw"}}
    container = containers.start(
        image, "--application", application, "--arguments", arguments, volumes=mount, **options
    )
    return int(container.wait(timeout=240)["StatusCode"]), log_of(container)


def test_an_application_reads_and_writes_s3(
    containers: Docker, built: dict[str, str], s3: S3, message: Path
) -> None:
    s3.put("transcripts/a/postprocess/transcript.txt", TRANSCRIPT)
    s3.put("transcripts/a/postprocess/transcript.json", '{"words": "not counted"}')
    status, log = run(
        containers,
        built["spark-example"],
        message,
        "example:words",
        arguments={"output": "counts/", "top": 2},
        environment=s3.environment,
    )
    assert status == 0, log
    assert ending(message) == {
        "result": {"words": 6, "different": 4, "top": {"hello": 3, "there": 2}}
    } or ending(message) == {"result": {"words": 7, "different": 4, "top": {"hello": 3, "there": 2}}}
    assert [key for key in s3.keys("counts/") if key.endswith(".parquet")]
    # Written by the committer that needs no rename, and nothing of its work is left.
    assert json.loads(s3.get("counts/_SUCCESS"))["committer"] == "magic"
    assert not [key for key in s3.keys("counts/") if "magic" in key or "_temporary" in key]
    assert "very-secret" not in log


def test_what_fails_is_told_in_the_termination_message(
    containers: Docker, built: dict[str, str], message: Path
) -> None:
    status, log = run(containers, built["spark-example"], message, "example:fail_in_worker")
    assert status == 1
    assert ending(message)["kind"] == "application"
    assert ending(message)["reason"] == "PythonException: ValueError: on purpose"
    assert "Traceback" in log


def test_a_stopped_application_ends_within_the_grace_period(
    containers: Docker, built: dict[str, str], message: Path
) -> None:
    mount = {str(message): {"bind": "/dev/termination-log", "mode": "rw"}}
    container = containers.start(
        built["spark-example"],
        "--application",
        "example:sleep",
        "--arguments",
        '{"seconds": 300}',
        volumes=mount,
    )
    until(lambda: "the session is there" in log_of(container), timeout_s=120)
    started = time.monotonic()
    container.stop(timeout=10)
    assert time.monotonic() - started < 10
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 143
    assert "SIGTERM" in ending(message)["reason"]


def test_the_image_holds_what_it_needs_and_not_more(
    containers: Docker, built: dict[str, str], engine: Engine
) -> None:
    image = engine.client.images.get(built["spark-base"])
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert image.attrs["Size"] < SIZE_LIMIT_MB * 1e6
    assert containers.once(built["spark-base"], "-c", NOT_NEEDED, entrypoint="sh") == (1, "")
    files = containers.once(built["spark-base"], "/app/switchboard_spark", entrypoint="ls")[1].split()
    assert "run.py" in files
    assert "operator.py" not in files  # Airflow's half
    assert containers.once(built["spark-base"], "-c", "command -v mvn gcc pip", entrypoint="sh") == (127, "")


def test_classes_are_there_once(containers: Docker, built: dict[str, str]) -> None:
    """Two versions of a jar on one class path are a lottery."""
    jars = containers.once(built["spark-base"], "-c", "ls $SPARK_HOME/jars", entrypoint="sh")[1].split()
    names = [jar.rsplit("-", 1)[0] for jar in jars if not jar.startswith(("netty", "jline"))]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
