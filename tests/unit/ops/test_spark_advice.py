"""Sizes compared, and one recommended, from records of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ops.spark_advice.advice import AdviceError, Unit, advise, pareto_front, shown_unit
from ops.spark_advice.show import plot, sentences, table
from switchboard_spark.model import Success, Verdict
from switchboard_spark.records import Observed, Peak, RunRecord, Said, Times, Work, record_of
from tests.unit.spark.conftest import RECORDING, make_task

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WORK = Work(tasks=8, input_bytes=2**30)


def run(
    size: str,
    duration_s: float,
    cost: float,
    *,
    counted: dict[str, float] | None = None,
    failed: str = "",
    resident_mib: float | None = None,
    spilled: int = 0,
    gc_s: float = 0,
    minute: int = 0,
    work: Work | None = WORK,
    **settings: Any,
) -> RunRecord:
    """A record of an hour of audio, unless it says otherwise. Its executors have 1,024 MiB."""
    start = (NOON + timedelta(minutes=minute)).timestamp()
    ending = Verdict(kind=failed, reason="R", remedy="M") if failed else Success(result=1)  # type: ignore[arg-type]
    seen = Observed(
        executors=[("1", start + duration_s / 4, None)],
        executor_peak=Peak(resident_mib=resident_mib) if resident_mib else None,
        work=work and work.model_copy(update={"spill_disk_bytes": spilled, "task_s": 100, "gc_s": gc_s}),
    )
    task = make_task(**settings).model_copy(update={"size_name": size})
    amounts = {"audio_seconds": 3600.0} if counted is None else counted
    said = Said("words:count", ending, int(bool(failed)), amounts)
    made = record_of(task, RECORDING, Times(start, start + duration_s, start), said, seen)
    return made.model_copy(update={"cost": cost})


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([], []),
        ([(1, 1)], [0]),
        ([(1, 3), (2, 2), (3, 1)], [0, 1, 2]),
        ([(3, 1), (1, 3), (2, 4)], [1, 0]),
        ([(1, 2), (1, 1), (2, 1)], [1]),
        ([(1, 1), (1, 1)], [0, 1]),
        ([(2, 2), (1, 1), (2, 1), (1, 2)], [1]),
    ],
)
def test_the_front_has_what_nothing_is_better_than(
    points: list[tuple[float, float]], front: list[int]
) -> None:
    assert pareto_front(points) == front


def test_a_size_is_the_median_of_its_runs_by_the_unit() -> None:
    runs = [run("small", seconds, cost) for seconds, cost in ((10, 5), (30, 1), (20, 3))]
    twice = run("small", 80, 8, counted={"audio_seconds": 7200.0})
    advice = advise([*runs, twice])
    assert advice.unit == Unit("audio_seconds", 3600, "hour of audio")
    (size,) = advice.sizes
    assert (size.point.duration_s, size.point.cost) == (25, 3.5)
    assert size.startup_share == pytest.approx(0.25)
    assert advice.usual == 1


def test_without_a_deadline_it_is_the_lowest_product_on_the_front() -> None:
    records = [run("small", 100, 1), run("medium", 40, 1.5), run("large", 35, 4), run("odd", 120, 2)]
    advice = advise(records)
    assert [size.name for size in advice.front] == ["large", "medium", "small"]
    assert advice.recommended.name == "medium"
    assert "product of duration and cost is the lowest" in advice.reason
    assert "2.5 times as fast as small, the cheapest, at 1.5 times its cost" in advice.reason


@pytest.mark.parametrize(
    ("deadline_s", "name", "words"),
    [
        (99, "medium", "the cheapest that does a run of the usual input within 99 s"),
        (100, "small", "large, the fastest, is 2.9 times as fast at 4.0 times its cost"),
        (36, "large", "the cheapest that does"),
        (10, "large", "none does a run of the usual input within 10 s, and it is the fastest"),
    ],
)
def test_with_a_deadline_it_is_the_cheapest_that_keeps_it(deadline_s: float, name: str, words: str) -> None:
    records = [run("small", 100, 1), run("medium", 40, 1.5), run("large", 35, 4)]
    advice = advise(records, deadline_s=deadline_s)
    assert advice.recommended.name == name
    assert words in advice.reason


def test_the_deadline_is_for_a_run_of_the_usual_input() -> None:
    double = {"audio_seconds": 7200.0}
    records = [run("small", 200, 2, counted=double), run("medium", 80, 3, counted=double)]
    assert advise(records, deadline_s=199).recommended.name == "medium"
    assert advise(records, deadline_s=200).recommended.name == "small"


def test_a_size_that_is_near_the_end_of_its_memory_is_passed_over() -> None:
    records = [run("small", 100, 1, resident_mib=1000), run("medium", 90, 9, resident_mib=500)]
    advice = advise(records)
    assert advice.recommended.name == "medium"
    assert [size.name for size in advice.front] == ["medium", "small"]
    assert advice.notes == ["passed over because of warnings: small"]
    assert next(s for s in advice.sizes if s.name == "small").warnings == [
        "98% of an executor's memory was used"
    ]


def test_a_size_without_a_warning_is_better_than_a_front_with_them() -> None:
    records = [run("small", 100, 1, resident_mib=1000), run("medium", 110, 2)]
    advice = advise(records)
    assert [size.name for size in advice.front] == ["small"]
    assert advice.recommended.name == "medium"


def test_a_size_that_is_busy_collecting_garbage_is_warned_of() -> None:
    (size,) = advise([run("small", 100, 1, gc_s=12)]).sizes
    assert size.warnings == ["12% of the time in tasks went into collecting garbage"]


def test_where_every_size_has_a_warning_one_is_chosen_and_it_is_said() -> None:
    advice = advise([run("small", 100, 1), run("small", 50, 1, failed="application")])
    assert advice.recommended.warnings == ["1 of 2 runs failed"]
    assert "Warning: small: 1 of 2 runs failed." in " ".join(sentences(advice))


def test_failures_of_the_infrastructure_are_no_warning_and_no_measurement() -> None:
    advice = advise([run("small", 100, 1), run("small", 5, 0.1, failed="infrastructure")])
    (size,) = advice.sizes
    assert (size.point.duration_s, size.warnings, size.failures) == (100, [], {"infrastructure": 1})


def test_a_size_with_other_settings_by_now_begins_anew() -> None:
    records = [run("small", 10, 1), run("small", 50, 2, minute=5, executors_max=9)]
    advice = advise(records)
    assert advice.recommended.point.duration_s == 50
    assert advice.notes == ["runs left out because their size has other settings by now: 1"]


def test_what_a_slot_is_worth_does_not_matter() -> None:
    advice = advise([run("small", 10, 1), run("small", 50, 2, minute=5, pool_slots=9)])
    assert len(advice.recommended.runs) == 2
    assert advice.notes == []


def test_a_run_that_spark_told_nothing_of_is_left_out() -> None:
    advice = advise([run("small", 10, 1), run("small", 50, 2, work=None)])
    assert advice.recommended.point.duration_s == 10
    assert "Spark did not tell what they took: 1" in advice.notes[0]


def test_the_unit_is_what_most_runs_count_unless_another_is_asked_for() -> None:
    both = {"audio_seconds": 3600.0, "calls": 20.0}
    records = [
        run("small", 10, 1, counted=both),
        run("small", 10, 1),
        run("small", 10, 1, counted={"rows": 2}),
    ]
    advice = advise(records)
    assert advice.unit.name == "audio_seconds"
    assert advice.notes == ["runs left out because they did not count audio_seconds: 1"]
    assert advise(records, "calls").recommended.point.duration_s == 5
    with pytest.raises(AdviceError, match="no run counted 'pages'; there is: audio_seconds, calls, rows"):
        advise(records, "pages")


@pytest.mark.parametrize(
    ("name", "amount", "scale", "label"),
    [
        ("runs", 1, 1, "run"),
        ("input_bytes", 5, 2**30, "GiB of input"),
        ("audio_seconds", 5, 3600, "hour of audio"),
        ("calls", 20, 10, "10 calls"),
        ("words", 45_000, 10_000, "10,000 words"),
        ("throws", 6_400_000, 1_000_000, "1,000,000 throws"),
        ("rows", 0.5, 1, "rows"),
    ],
)
def test_units_are_shown_in_a_measure_that_fits(name: str, amount: float, scale: float, label: str) -> None:
    assert shown_unit(name, amount) == Unit(name, scale, label)


def test_nothing_to_go_by_is_said_with_the_reasons() -> None:
    with pytest.raises(AdviceError, match="none of 1 recorded runs ended well and was measured; reasons: R"):
        advise([run("small", 1, 1, failed="application")])
    other = run("small", 1, 1)
    prices = other.prices.model_copy(update={"currency": "EUR"})
    with pytest.raises(AdviceError, match="costs are in EUR, USD"):
        advise([run("small", 1, 1), other.model_copy(update={"prices": prices})])


RECORDS = [
    run("small", 100, 0.001, resident_mib=512, spilled=3 * 2**20),
    run("large", 35, 0.004),
    run("tiny", 9, 0.1, failed="application"),
]


def shown(records: list[RunRecord]) -> str:
    page = Console(file=StringIO(), width=200)
    advice = advise(records)
    page.print(table(advice))
    for sentence in sentences(advice):
        page.print(sentence, markup=False, soft_wrap=True)
    assert isinstance(page.file, StringIO)
    return page.file.getvalue()


def test_the_table_says_what_each_size_took() -> None:
    lines = {line.split()[0]: line.split() for line in shown(RECORDS).splitlines() if line.strip()}
    assert lines["size"][-6:] == ["seconds", "USD", "start-up", "memory", "spilled", "front"]
    assert lines["small"] == [
        *("small", "1-2", "×", "1", "1,024", "1.0", "1", "100.0", "0.001", "25%", "50%", "3", "MiB", "●")
    ]
    assert lines["large"][-3:] == ["25%", "?", "●"]
    assert lines["tiny"] == ["tiny", "1-2", "×", "1", "1,024", "0", "of", "1"]


def test_the_recommendation_is_a_sentence_with_its_reason() -> None:
    text = shown(RECORDS)
    assert "Recommended: small. Why: its product of duration and cost is the lowest; " in text
    assert "It spills 3 MiB to disk in a run" in text


def test_the_plot_is_a_png(tmp_path: Path) -> None:
    file = tmp_path / "new/plot.png"
    plot(advise(RECORDS), "speech.words", file)
    assert file.read_bytes().startswith(b"\x89PNG")
