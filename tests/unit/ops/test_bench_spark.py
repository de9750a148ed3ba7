"""The benchmarks of Spark, without a cluster: what they make of what they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from ops.bench.spark import compare, contenders, launch, stand
from ops.bench.spark.cpu import Reading, Used, cpu_s, pods_group, used
from ops.bench.spark.timeline import DRIVER, EXECUTOR, launch_s, split, split_table

TIMES = {
    "container": 100.0,
    "python": 100.1,
    "application": 100.4,
    "java": 100.3,
    "context": 101.5,
    "requested": 100.5,
    "scheduled": 100.75,
    "executor_container": 101.5,
    "running": 102.0,
    "registered": 104.5,
}


def shown(table: Table) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def round_of(launch_seconds: list[float], bare: list[float], cpu: float) -> launch.Round:
    times = [{"container": 50.0, "registered": 50.0 + seconds} for seconds in launch_seconds]
    return launch.Round(times, bare, Used(cpu, others_cores=0.0))


def test_an_executors_steps_make_up_the_launch_while_the_driver_takes_its_own() -> None:
    assert split(TIMES, DRIVER) == pytest.approx([0.1, 0.3, 1.1])
    steps = split(TIMES, EXECUTOR)
    assert steps == pytest.approx([0.5, 0.25, 0.75, 3.0])
    assert sum(steps) == pytest.approx(launch_s(TIMES)) == 4.5


def test_the_split_shows_medians() -> None:
    slow = {name: at + (1 if name == "registered" else 0) for name, at in TIMES.items()}
    text = shown(split_table([TIMES, slow, slow]))
    assert "medians of 3" in text
    last = next(line for line in text.splitlines() if "registers" in line)
    assert "4.00" in last
    assert "5.50" in last


def test_a_launch_is_compared_with_bare_pods_of_its_own_run() -> None:
    singles = [round_of([4.0], [2.0], 20.0), round_of([5.0], [2.5], 20.0), round_of([9.0], [3.0], 20.0)]
    quick = launch.Pair(round_of([4.0], [], 10.0), round_of([8.0, 9.0, 10.0, 11.0], [], 40.0))
    slow = launch.Pair(round_of([4.0], [], 12.0), round_of([8.0, 9.0, 10.0, 11.0], [], 56.0))
    rows = launch.figures(singles, {4: [quick, slow]}, cores=2)
    p50, p95, of_4, of_4_p95, cpu = rows
    assert (p50.value, p50.floor, p50.bound) == (5.0, 2.5, 1.5)
    assert "p50 of 3" in p50.name
    assert not p50.met
    assert (p95.value, p95.floor) == (9.0, 3.0)
    assert (of_4.value, of_4.bound) == (9.0, 3.0), "twice as many as cores may take twice as long"
    assert of_4_p95.value == 11.0
    assert (cpu.value, cpu.floor) == (12.0, 11.0), "of the launch alone right before"


def driver() -> dict[str, Any]:
    token = {"name": "kube-api-access-x", "mountPath": "/var/run/secrets"}
    return {
        "metadata": {"name": "spark-1", "namespace": "ns", "uid": "u", "labels": {"dag_id": "d"}},
        "spec": {
            "nodeName": "node",
            "priority": 100,
            "priorityClassName": "spark-driver",
            "volumes": [{"name": "tmp"}, {"name": "kube-api-access-x"}],
            "containers": [
                {
                    "args": ["--application", "bench_launch:launch", "--arguments", "{}"],
                    "volumeMounts": [{"name": "tmp"}, token],
                }
            ],
        },
    }


def test_a_copy_of_a_driver_is_what_was_asked_for_and_not_what_became_of_it() -> None:
    pod = launch.copy_of(driver(), "7", {"bare": 2})
    assert pod["metadata"]["name"] == "bench-launch-7"
    assert "uid" not in pod["metadata"]
    assert pod["metadata"]["labels"] == {"dag_id": "d", "switchboard/bench": "launch"}
    assert not {"nodeName", "priority"} & pod["spec"].keys()
    assert pod["spec"]["priorityClassName"] == "spark-driver"
    assert pod["spec"]["volumes"] == pod["spec"]["containers"][0]["volumeMounts"] == [{"name": "tmp"}]
    assert json.loads(pod["spec"]["containers"][0]["args"][-1]) == {"bare": 2}


def test_a_driver_that_failed_ends_the_benchmark_with_its_words() -> None:
    ended = {"exitCode": 75, "message": '{"reason": "no node"}'}
    pod = driver() | {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}
    with pytest.raises(RuntimeError, match=r"spark-1 ended with exit code 75: .*no node"):
        launch.said(pod)
    ended.update(exitCode=0, message='{"result": {"bare": [1.5]}}')
    assert launch.said(pod) == {"bare": [1.5]}


def run(first: float, cpu: float, pods: int = 4) -> compare.Run:
    return compare.Run(first_executor_s=first, result_s=first + 2, end_s=first + 3, pods=pods, cpu_s=cpu)


def test_a_run_says_in_a_line_what_it_took() -> None:
    assert str(run(6.04, 21.58)) == "first executor 6.0 s, result 8.0 s, end 9.0 s, 4 pods, 21.6 CPU-seconds"


def test_the_three_ways_are_compared_by_medians() -> None:
    runs = {
        "ours": [run(5, 10, 3), run(6, 11, 3), run(30, 12, 3)],
        "submit": [run(12, 22), run(13, 20), run(11, 21)],
        "on_k8s": [run(5, 10), run(5, 10), run(5, 10)],
    }
    rows = compare.figures(runs)
    assert len(rows) == 10
    first = rows[0]
    assert first.name == "ours over spark-submit, to the first executor"
    assert (first.value, first.floor, first.unit, first.met) == (6, 12, "s", True)
    behind = [row.name for row in rows if not row.met]
    assert all("spark-on-k8s" in name for name in behind)
    assert len(behind) == 4, "all but the pods"
    assert "6.0 (30.0)" in shown(compare.runs_table(runs))


def test_the_dags_have_one_image_and_are_python() -> None:
    text = contenders.dags("registry/bench@sha256:1")
    compile(text, "dags", "exec")
    assert text.count("registry/bench@sha256:1") == 1
    for way in contenders.WAYS:
        assert f'DAG("bench_compare_{way}"' in text


def test_the_rights_are_for_drivers_alone() -> None:
    role, binding = contenders.rights()["items"]
    assert role["rules"][0]["resources"] == ["pods", "services", "configmaps", "persistentvolumeclaims"]
    assert [each["name"] for each in binding["subjects"]] == ["spark-driver"]


def test_pods_made_are_those_that_were_not_there_before() -> None:
    watched = "pod/airflow-1\npod/worker\npod/worker\npod/driver\n"
    assert stand.new_names(watched, {"airflow-1"}) == {"worker", "driver"}


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        ("cpuacct/kubelet.slice/kubelet-kubepods.slice", "cpuacct.usage", "2500000000\n"),
        ("kubelet.slice/kubelet-kubepods.slice", "cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
        ("kubepods.slice", "cpu.stat", "usage_usec 2500000\n"),
    ],
)
def test_processor_time_is_found_in_both_versions_of_control_groups(
    tmp_path: Path, group: str, file: str, text: str
) -> None:
    folder = tmp_path / group
    folder.mkdir(parents=True)
    (folder / file).write_text(text)
    assert pods_group(tmp_path) == folder
    assert cpu_s(folder) == 2.5


def test_a_node_without_pods_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is the cluster up"):
        pods_group(tmp_path)


def test_what_the_cluster_does_at_rest_is_not_counted() -> None:
    before, after = Reading(at=10, pods_s=100, machine_s=1000), Reading(at=20, pods_s=112, machine_s=1017)
    assert used(before, after, rest_cores=0.2) == Used(pods_s=10, others_cores=0.5)
