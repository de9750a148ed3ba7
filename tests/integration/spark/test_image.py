"""The image runs applications, as restricted as in a pod, on a local session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from ops.images.engine import Engine
from tests.integration.images.containers import Docker, log_of, until
from tests.integration.spark.conftest import S3

pytestmark = pytest.mark.integration

SIZE_LIMIT_MB = 1220
"""With a tenth to spare: who adds more should notice. A fifth of it is the archive of classes."""

TMP = {"/tmp": "mode=1777,exec"}
"""As an emptyDir is: Java's compressors unpack their libraries there and load them."""

NOT_NEEDED = "ls $SPARK_HOME/jars | grep -E 'hive-exec|datanucleus|spark-yarn|connect-repl|-osx-|windows'"
TRANSCRIPT = "[00:00:01] agent     Hello, hello there.\n[00:00:04] customer  There it is: hello!\n"


def begin(containers: Docker, image: str, message: Path, application: str, **options: Any) -> Container:
    """Start an application."""
    words = ("--application", application, "--arguments", json.dumps(options.pop("arguments", {})))
    mount = {str(message): {"bind": "/dev/termination-log", "mode": "rw"}}
    return containers.start(image, *words, volumes=mount, tmpfs=TMP, **options)


def run(
    containers: Docker, image: str, message: Path, application: str, **options: Any
) -> tuple[int, Any, str]:
    """Run an application to its end; gives its exit status, what it said of it, and its log."""
    container = begin(containers, image, message, application, **options)
    status = int(container.wait(timeout=240)["StatusCode"])
    log = log_of(container)
    return status, json.loads(message.read_text() or "null"), log


def test_an_application_reads_and_writes_s3(
    containers: Docker, built: dict[str, str], s3: S3, message: Path
) -> None:
    s3.put("transcripts/a/postprocess/transcript.txt", TRANSCRIPT)
    s3.put("transcripts/a/postprocess/transcript.json", '{"words": "not counted"}')
    status, said, log = run(
        containers,
        built["spark-example"],
        message,
        "example:words",
        arguments={"output": "counts/", "top": 2},
        environment=s3.environment,
    )
    assert status == 0, log
    assert said == {"result": {"words": 7, "different": 4, "top": {"hello": 3, "there": 2}}}
    assert [key for key in s3.keys("counts/") if key.endswith(".parquet")]
    # Written by the committer that needs no rename, and nothing of its work is left.
    assert json.loads(s3.get("counts/_SUCCESS"))["committer"] == "magic"
    assert not [key for key in s3.keys("counts/") if "magic" in key or "_temporary" in key]
    assert "very-secret" not in log


def test_a_sample_of_the_files_is_read(
    containers: Docker, built: dict[str, str], s3: S3, message: Path
) -> None:
    for name in ("one call", "another"):
        s3.put(f"sampled/{name}/postprocess/transcript.txt", TRANSCRIPT)
    status, said, log = run(
        containers,
        built["spark-example"],
        message,
        "example:words",
        arguments={"prefix": "sampled/", "top": 1, "sample": 0.5},
        environment=s3.environment,
    )
    assert status == 0, log
    assert said == {"result": {"words": 7, "different": 4, "top": {"hello": 3}}}


def test_what_fails_is_told_in_the_termination_message(
    containers: Docker, built: dict[str, str], message: Path
) -> None:
    status, said, log = run(containers, built["spark-example"], message, "example:fail_in_worker")
    assert (status, said["kind"]) == (1, "application")
    assert said["reason"] == "PythonException: ValueError: on purpose"
    assert "Traceback" in log


def test_a_stopped_application_ends_within_the_grace_period(
    containers: Docker, built: dict[str, str], message: Path
) -> None:
    container = begin(
        containers, built["spark-example"], message, "example:sleep", arguments={"seconds": 300}
    )
    until(lambda: "the session is there" in log_of(container), timeout_s=120)
    container.stop(timeout=10)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 143, "137: it was killed when its time was over"
    assert "SIGTERM" in json.loads(message.read_text())["reason"]


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


def test_java_starts_from_the_archive_of_classes(containers: Docker, built: dict[str, str]) -> None:
    """`on`, in place of the default `auto`, fails where the archive does not fit its class path."""
    script = "java @$SPARK_HOME/java.args -Xshare:on org.apache.spark.deploy.SparkSubmit --version"
    status, log = containers.once(built["spark-example"], "-c", script, entrypoint="sh", tmpfs=TMP)
    assert status == 0, log
    assert "version 4." in log


def test_an_applications_own_jars_are_on_the_class_path(containers: Docker, built: dict[str, str]) -> None:
    script = "grep -c ':/.*/extra-jars/\\*$' $SPARK_HOME/java.args && ls -d $SPARK_HOME/extra-jars"
    assert containers.once(built["spark-base"], "-c", script, entrypoint="sh")[0] == 0


def test_classes_are_there_once(containers: Docker, built: dict[str, str]) -> None:
    """Two versions of a jar on one class path are a lottery."""
    jars = containers.once(built["spark-base"], "-c", "ls $SPARK_HOME/jars", entrypoint="sh")[1].split()
    names = [jar.rsplit("-", 1)[0] for jar in jars if not jar.startswith(("netty", "jline"))]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
