"""How the driver's Java is started and found, with a script in its place."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from switchboard_spark import java, session
from switchboard_spark.model import TASK_VARIABLE
from switchboard_spark.session import preparation

SETTINGS = {
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": "-XX:+ExitOnOutOfMemoryError",
    "spark.app.name": "dag.task",
}
LISTENS = """#!/bin/sh
until [ -e "$(dirname "$0")/go" ]; do sleep 0.1; done
printf '%b' '\\0000\\0000\\0022\\0270\\0000\\0000\\0000\\0003key' > "$_PYSPARK_DRIVER_CONN_INFO_PATH.new"
mv "$_PYSPARK_DRIVER_CONN_INFO_PATH.new" "$_PYSPARK_DRIVER_CONN_INFO_PATH"
cat
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `java` that says where it listens, and a pyspark that connects to nothing."""
    program = tmp_path / "java"
    program.write_text(LISTENS)
    program.chmod(0o755)
    (tmp_path / "java.args").touch()
    (tmp_path / "go").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    pyspark, gateway = ModuleType("pyspark"), ModuleType("pyspark.java_gateway")

    class SparkConf:
        def __init__(self, loadDefaults: bool) -> None:  # noqa: N803  pyspark's name
            assert not loadDefaults

        def setAll(self, pairs: list[tuple[str, str]]) -> SparkConf:  # noqa: N802
            return self

    def launch_gateway(conf: Any) -> Any:
        names = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")
        return SimpleNamespace(found=tuple(os.environ[name] for name in names))

    vars(pyspark)["SparkConf"], vars(gateway)["launch_gateway"] = SparkConf, launch_gateway
    monkeypatch.setitem(sys.modules, "pyspark", pyspark)
    monkeypatch.setitem(sys.modules, "pyspark.java_gateway", gateway)
    yield program
    if preparation.starting:
        preparation.starting.process.kill()
    preparation.starting = None


def end(process: Any) -> int:
    """Java ends when nobody holds its input any more."""
    process.stdin.close()
    return int(process.wait(60))


def test_java_gets_what_spark_submit_would_make_of_the_settings() -> None:
    words = java.command(Path("/spark/java.args"), SETTINGS)
    assert words[:4] == ["java", "@/spark/java.args", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]
    assert "-Dspark.app.name=dag.task" in words
    assert words[-1] == "org.apache.spark.api.python.PythonGatewayServer"


def test_java_is_begun_with_without_waiting_and_connected_to_later(fake: Path) -> None:
    (fake.parent / "go").unlink()
    starting = java.begin(SETTINGS)  # it would wait for ever for one that does not listen
    (fake.parent / "go").touch()
    assert starting is not None
    found = java.connect(starting, SETTINGS)
    assert found.gateway.found == (str(struct.unpack("!i", b"\0\0\x12\xb8")[0]), "key")
    assert "PYSPARK_GATEWAY_SECRET" not in os.environ
    assert not starting.told.parent.exists()
    assert end(found.process) == 0


def test_a_java_that_ends_is_told_with_its_exit_code(fake: Path) -> None:
    fake.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(java.JavaError, match="exit code 3"):
        java.connect(java.begin(SETTINGS), SETTINGS)


def test_the_java_that_was_begun_with_is_taken_once(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "session_conf", lambda _environment: SETTINGS)
    session.begin({TASK_VARIABLE: "{}"})
    begun = preparation.starting
    assert begun is not None
    first = session.connected(SETTINGS)
    assert first.process is begun.process
    second = session.connected(SETTINGS)
    assert second.process is not begun.process, "where the first one ended, there is another"
    assert [end(first.process), end(second.process)] == [0, 0]


def test_anywhere_but_in_a_spark_task_java_starts_with_the_session(fake: Path) -> None:
    session.begin({})
    assert preparation.starting is None
