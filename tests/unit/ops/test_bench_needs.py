"""What the model says of a node pool that somebody asks for."""

from pathlib import Path

import pytest

from infra.platform.spark_settings import Price
from ops.bench.spark.model import NodePool, Rates
from ops.bench.spark.needs import keep, measured, show
from ops.console import console

RATES = Rates(0.5, 60, 15, 25, 1.0, 9)
PRICE = Price(vcpu_hour=0.04, gib_hour=0.005)


def test_what_was_measured_is_kept_for_later(tmp_path: Path) -> None:
    file = tmp_path / "build/rates.json"
    keep(RATES, file)
    assert measured(file) == RATES


def test_where_nothing_was_measured_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="bench-spark NAMES=transcribe"):
        measured(tmp_path / "rates.json")


def test_hours_and_cost_are_shown_for_the_nodes_asked_for() -> None:
    with console.capture() as said:
        show(RATES, PRICE, hours=100, pool=NodePool(4, 16, 0.04, 0.005))
    shown = said.get()
    assert "100 hours of audio on nodes of 4 cores and 16 GiB, 0.240 an hour each" in shown
    (two,) = [line.split() for line in shown.splitlines() if line.startswith("│ 2 ") or " 2 │" in line[:14]]
    assert [word for word in two if word != "│"] == ["2", "8", "6.26", "3.01"]


def test_a_node_without_room_for_an_executor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"memory_gib=0\.5 has no room for an executor"):
        show(RATES, PRICE, pool=NodePool(4, 0.5, 0.04, 0.005))
