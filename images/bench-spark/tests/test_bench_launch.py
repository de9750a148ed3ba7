"""What a driver tells of its launch, without a cluster."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import bench_launch


def test_the_start_of_a_process_is_told_by_the_clock() -> None:
    before = time.time()
    with subprocess.Popen(["sleep", "5"]) as process:
        began = bench_launch.started(str(process.pid))
        process.kill()
    assert began == pytest.approx(before, abs=0.2)


def test_a_process_name_with_spaces_and_parentheses_does_no_harm(tmp_path: Path) -> None:
    ticks = round((time.clock_gettime(time.CLOCK_BOOTTIME) - 100) * os.sysconf("SC_CLK_TCK"))
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (a) b (c)) S {' '.join(map(str, range(1, 19)))} {ticks} 0\n")
    assert time.time() - bench_launch.started("7", tmp_path) == pytest.approx(100, abs=0.5)


def executor() -> dict[str, Any]:
    variables = [{"name": "SPARK_EXECUTOR_ID", "value": "1"}, {"name": "SPARK_USER", "value": "app"}]
    return {
        "metadata": {
            "name": "spark-exec-1",
            "labels": {"spark-role": "executor", "switchboard/spark-driver": "u"},
            "ownerReferences": [{"kind": "Pod", "uid": "u"}],
        },
        "spec": {
            "nodeName": "node",
            "hostname": "spark-exec-1",
            "priority": -10,
            "containers": [
                {"image": "i", "args": ["executor"], "env": variables, "lifecycle": {"preStop": {}}}
            ],
        },
        "status": {},
    }


def test_a_bare_pod_is_the_executor_under_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_UID", "12345678-9")
    original = executor()
    pod = bench_launch.bare_copy(original, "1000")
    (container,) = pod["spec"]["containers"]
    assert container["env"][0]["value"] == "1000"
    assert (container["image"], container["args"]) == ("i", ["executor"])
    assert "lifecycle" not in container
    assert not {"nodeName", "hostname", "priority"} & pod["spec"].keys()
    assert pod["metadata"]["ownerReferences"] == [{"kind": "Pod", "uid": "u"}]
    assert not pod["metadata"]["labels"].keys() & original["metadata"]["labels"].keys(), (
        "Spark leaves it alone"
    )
    assert original == executor(), "the original stays"


@pytest.mark.parametrize(
    ("spec", "status", "stages"),
    [
        ({}, {}, ["requested"]),
        ({"nodeName": "n"}, {"containerStatuses": [{"state": {"waiting": {}}}]}, ["requested", "scheduled"]),
        (
            {"nodeName": "n"},
            {"containerStatuses": [{"state": {"running": {}}}]},
            ["requested", "scheduled", "running"],
        ),
    ],
)
def test_how_far_a_pod_is(spec: dict[str, Any], status: dict[str, Any], stages: list[str]) -> None:
    assert bench_launch.stages({"spec": spec, "status": status}) == stages
