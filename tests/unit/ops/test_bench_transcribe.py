"""The ways to transcribe, as DAGs, and what is said of what they took."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from infra.platform.spark_settings import Prices
from ops.bench.spark.accounts import Floor, Taken, efficiency, figures, rates_of
from ops.bench.spark.model import pays_from_s
from ops.bench.spark.pushed import BenchError
from ops.bench.spark.usage import Sample
from ops.bench.spark.ways import DAG, Way, dag_of, size, ways
from switchboard_spark.model import SparkSize
from switchboard_spark.records import Asked

PRICES = Prices()


def keywords(way: Way) -> dict[str, ast.expr]:
    """What the DAG of a way is made with."""
    for node in ast.walk(ast.parse(dag_of(way))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DAG":
            return {"dag_id": node.args[0], **{str(each.arg): each.value for each in node.keywords}}
    raise AssertionError("no DAG")


@pytest.mark.parametrize("way", ways(3), ids=lambda way: way.name)
def test_each_way_is_the_dag_of_autotranscribe_with_another_name(way: Way) -> None:
    made = {name: ast.unparse(value) for name, value in keywords(way).items()}
    assert made["dag_id"] == repr(way.dag_id)
    assert made["schedule"] == "None"
    assert made["max_active_tasks"] == ("1" if way.name == "pods in turn" else "128")
    assert dag_of(way).count("size='bench'") + dag_of(way).count('size="bench"') == 1


def test_a_size_is_one_that_the_library_takes() -> None:
    sizes = [SparkSize.model_validate(size(way)) for way in ways(3)]
    assert [each.executors_max for each in sizes] == [1, 1, 1, 2, 4]


def test_a_dag_that_has_changed_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "autotranscribe.py"
    other.write_text(DAG.read_text().replace("max_active_tasks=128,", "max_active_tasks=64,"))
    with pytest.raises(BenchError, match=r"max_active_tasks=128,' 0 times"):
        dag_of(ways(3)[0], other)


def quiet(seconds: float) -> list[Sample]:
    return [Sample(0, 0, 0), Sample(seconds, seconds, seconds)]


def taken(way: Way, work_s: float, start_s: float, pods: int = 0) -> Taken:
    end = work_s + start_s
    return Taken(
        way, 600, 0, end, [(start_s, end)], quiet(end), 150, Asked(core_s=300, memory_mib_s=1024), pods
    )


FLOORS = [Floor(1, 60, [(0, 12)], quiet(12), 12, 1024)]
FULL = Floor(2, 120, [(0, 15)], quiet(15), 30, 1024)
"""Two processes at once are each a quarter slower than one alone."""
ONE, MAPPED, SPARK_1, SPARK_2, SPARK_4 = ways(3)
PODS = [(30 + 30.0 * number, 40 + 30.0 * number) for number in range(12)]
"""Twelve pods of ten seconds, twenty between each and the next; the plan and the first start before them."""
TAKEN = [
    Taken(ONE, 600, 0, 375, PODS, quiet(375), 150, Asked(core_s=300, memory_mib_s=1024), 27),
    taken(MAPPED, 80, 100),
    taken(SPARK_1, 125, 20),
    taken(SPARK_2, 66, 25),
    taken(SPARK_4, 80, 30),
]


def test_efficiency_is_audio_by_core_second_against_one_process() -> None:
    assert efficiency(TAKEN[0], FLOORS, 2, shared=False) == pytest.approx(1)
    assert efficiency(TAKEN[3], FLOORS, 2, shared=False) == pytest.approx(0.2 * 600 / (2 * 66))
    assert efficiency(TAKEN[4], FLOORS, 2, shared=False) == pytest.approx(0.75), "four share two cores"


def test_figures_hold_to_their_aims() -> None:
    found = {figure.name: figure for figure in figures(FLOORS, TAKEN, 2, PRICES)}
    assert found["spark 2: core-s an audio hour, all cores"].met
    assert not found["spark 4: core-s an audio hour, all cores"].met
    assert found["spark 1: run ÷ work"].ratio == pytest.approx(145 / 125)
    assert not found["pods in turn: run ÷ work"].met
    cost = found["spark 1: cost an audio hour"]
    assert cost.value == pytest.approx((150 * 0.03465 + 1 * 0.0039375) / 600 * 1000)
    assert cost.floor == pytest.approx((12 * 0.03465 + 12 * 0.0039375) / 60 * 1000)


def test_the_model_goes_by_what_was_measured() -> None:
    rates = rates_of(FLOORS, FULL, TAKEN, calls=10, cores=2)
    assert rates.core_s_per_audio_s == pytest.approx(0.25)
    assert rates.call_s == 60
    assert rates.frame_s == pytest.approx(375 - 340 - 20)
    assert rates.spark_start_s == pytest.approx(25 - 15 + 5), "one executor needs 125 s for work of 120 s"
    assert rates.spark_efficiency == pytest.approx(150 / (2 * (66 - 5)))
    assert rates.pod_start_s == pytest.approx(20)
    assert pays_from_s(rates, cores=2) == 60, "six starts of a pod take longer than that of Spark"
