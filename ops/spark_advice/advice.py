"""Records of runs in, advice out: sizes compared by what a unit of input takes. No calls."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from switchboard_spark.model import SparkSize
from switchboard_spark.records import RunRecord

TIGHT = 0.9
"""Share of an executor's memory from which on little is missing to being killed for it."""

COLLECTING = 0.1
"""Share of the time in tasks that Java collects garbage, from which on the heap is too small: where Spark's
own page marks an executor.
"""

FAILING = 0.1
"""Share of runs whose application failed from which on a size is warned of. One in a while says nothing."""

HOUR_S, GIB = 3600, 2**30


class AdviceError(ValueError):
    """The records say nothing that sizes could be compared by; the text says why."""


@dataclass(frozen=True)
class Unit:
    """What durations and costs are given by."""

    name: str
    """As records have it."""
    scale: float
    """How many of them are one as shown."""
    label: str


@dataclass(frozen=True)
class Point:
    """One run, or the median of some: what a unit takes."""

    duration_s: float
    cost: float


@dataclass(frozen=True)
class Seen:
    """A size, as its runs have shown it. What is not a count is a median over the runs that ended well."""

    name: str
    size: SparkSize
    runs: Sequence[Point]
    """Those that ended well."""
    failures: Mapping[str, int]
    """Of the others, how many ended in which way."""
    startup_share: float = 0.0
    mean_executors: float = 0.0
    memory_share: float | None = None
    """The most in any run (`RunRecord.memory_share`); None: not measured."""
    gc_share: float = 0.0
    spilled_bytes: float = 0.0
    """To disk, in a run."""

    @property
    def point(self) -> Point:
        """The medians, each on its own."""
        return Point(median(run.duration_s for run in self.runs), median(run.cost for run in self.runs))

    @property
    def warnings(self) -> list[str]:
        """What speaks against it, whatever its duration and cost."""
        found = []
        if self.memory_share is not None and self.memory_share >= TIGHT:
            found.append(f"{self.memory_share:.0%} of an executor's memory was used")
        if self.gc_share >= COLLECTING:
            found.append(f"{self.gc_share:.0%} of the time in tasks went into collecting garbage")
        count, all_runs = self.failures.get("application", 0), len(self.runs) + sum(self.failures.values())
        if count >= FAILING * all_runs and count:
            found.append(f"{count} of {all_runs} runs failed")
        return found


@dataclass(frozen=True)
class Advice:
    """What the records come to."""

    unit: Unit
    currency: str
    usual: float
    """Units of a run, as shown: the median."""
    sizes: Sequence[Seen]
    """From cheap to dear; those that never ended well are last."""
    front: Sequence[Seen]
    """Those that no other is both faster and cheaper than, from fast to slow."""
    recommended: Seen
    reason: str
    notes: Sequence[str] = field(default_factory=list)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other is better than, by their first number from low to high.

    A point is better where it is lower in one number and not higher in the other.
    """
    order = sorted(range(len(points)), key=lambda index: points[index])
    front: list[int] = []
    best = math.inf
    for index in order:
        same = front and points[index] == points[front[-1]]
        if points[index][1] < best or same:
            front.append(index)
            best = points[index][1]
    return front


def advise(records: Sequence[RunRecord], unit_name: str = "", deadline_s: float | None = None) -> Advice:
    """Compare the sizes that a task has run with. `deadline_s` is for a run of the usual input.

    Raises:
        AdviceError: no run ended well and was measured, or none counted that unit, or prices are in several
        currencies.
    """
    notes: list[str] = []
    current = _of_current_sizes(records, notes)
    good = _measured(current, notes)
    unit = _unit(good, unit_name)
    counting = [record for record in good if record.units.get(unit.name, 0) > 0]
    if others := len(good) - len(counting):
        notes.append(f"runs left out because they did not count {unit.name}: {others}")
    if (images := len({record.image for record in counting})) > 1:
        notes.append(f"images compared: {images}; what changed in them may matter, too")
    usual = median(record.units[unit.name] for record in counting) / unit.scale
    sizes = _sizes(current, counting, unit)
    seen = [size for size in sizes if size.runs]
    front = front_of(seen)
    candidates = front_of([size for size in seen if not size.warnings]) or front
    if warned := [size.name for size in front if size not in candidates]:
        notes.append(f"passed over because of warnings: {', '.join(warned)}")
    chosen, reason = recommend(candidates, deadline_s, usual)
    return Advice(unit, good[0].prices.currency, usual, sizes, front, chosen, reason, notes)


def front_of(sizes: Sequence[Seen]) -> list[Seen]:
    """The Pareto front of sizes by duration and cost, from fast to slow."""
    return [
        sizes[index] for index in pareto_front([(each.point.duration_s, each.point.cost) for each in sizes])
    ]


def recommend(front: Sequence[Seen], deadline_s: float | None, usual: float) -> tuple[Seen, str]:
    """A size of a front, and why it.

    With a deadline for a run of `usual` units: the cheapest that keeps it, or the fastest if none does.
    Without one: the lowest product of duration and cost, which is where a percent of time stops being worth a
    percent of cost.
    """
    if deadline_s is None:
        best, why = min(front, key=_product), "its product of duration and cost is the lowest"
    elif in_time := [size for size in front if size.point.duration_s * usual <= deadline_s]:
        best = min(in_time, key=lambda size: size.point.cost)
        why = f"the cheapest that does a run of the usual input within {deadline_s:g} s"
    else:
        best = front[0]
        why = f"none does a run of the usual input within {deadline_s:g} s, and it is the fastest"
    if len(front) > 1:
        return best, f"{why}; {compared(best, front)}"
    return best, f"{why}; no other that was tried is faster or cheaper"


def _product(size: Seen) -> float:
    return size.point.duration_s * size.point.cost


def compared(chosen: Seen, front: Sequence[Seen]) -> str:
    """A size against the cheapest of the front, or, if it is that, against the fastest."""
    fastest, cheapest = front[0], front[-1]
    if chosen is not cheapest:
        faster = cheapest.point.duration_s / chosen.point.duration_s
        return (
            f"{faster:.1f} times as fast as {cheapest.name}, the cheapest, at "
            f"{_ratio(chosen.point.cost, cheapest.point.cost)} its cost"
        )
    faster = chosen.point.duration_s / fastest.point.duration_s
    return (
        f"{fastest.name}, the fastest, is {faster:.1f} times as fast at "
        f"{_ratio(fastest.point.cost, chosen.point.cost)} its cost"
    )


def _ratio(cost: float, other: float) -> str:
    return f"{cost / other:.1f} times" if other else "any number of times"


def shown_unit(name: str, amount: float) -> Unit:
    """A unit in a measure that people use, given what a run has of it."""
    if name == "runs":
        return Unit(name, 1, "run")
    if name == "input_bytes":
        return Unit(name, GIB, "GiB of input")
    if name.endswith("_seconds"):
        return Unit(name, HOUR_S, f"hour of {name.removesuffix('_seconds').replace('_', ' ')}")
    scale = 10 ** max(0, math.floor(math.log10(amount))) if amount > 0 else 1
    words = name.replace("_", " ")
    return Unit(name, scale, words if scale == 1 else f"{scale:,} {words}")


def _of_current_sizes(records: Sequence[RunRecord], notes: list[str]) -> list[RunRecord]:
    """Records of sizes as the newest of them has each: a name may have meant something else before."""
    newest: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: record.ended):
        newest[record.size_name] = _asked_for(record.size)
    current = [record for record in records if _asked_for(record.size) == newest[record.size_name]]
    if older := len(records) - len(current):
        notes.append(f"runs left out because their size has other settings by now: {older}")
    return current


def _asked_for(size: SparkSize) -> dict[str, Any]:
    """All of a size but its pool slots, which are how it waits and not how it runs."""
    return size.model_dump(exclude={"pool_slots"})


def _measured(records: Sequence[RunRecord], notes: list[str]) -> list[RunRecord]:
    """Records of runs that ended well and say what they took. Raises AdviceError where there are none."""
    well = [record for record in records if record.ended_well]
    good = [record for record in well if record.work is not None]
    if len(well) > len(good):
        notes.append(f"runs left out because Spark did not tell what they took: {len(well) - len(good)}")
    if not good:
        reasons = sorted({record.reason for record in records if record.reason})
        raise AdviceError(
            f"none of {len(records)} recorded runs ended well and was measured; reasons: "
            f"{'; '.join(reasons[:3]) or 'none'}"
        )
    if len(currencies := {record.prices.currency for record in good}) > 1:
        raise AdviceError(
            f"costs are in {', '.join(sorted(currencies))}: remove the records in the currency of earlier "
            "settings"
        )
    return good


def _unit(records: Sequence[RunRecord], wanted: str) -> Unit:
    """The unit asked for, else the one that most runs have. Raises AdviceError."""
    counts = Counter(name for record in records for name, amount in record.units.items() if amount > 0)
    if not counts:
        raise AdviceError("no run counted more than nothing; see to what the application counts")
    if wanted and wanted not in counts:
        raise AdviceError(f"no run counted {wanted!r}; there is: {', '.join(counts)}")
    name = wanted or counts.most_common(1)[0][0]
    return shown_unit(name, median(record.units[name] for record in records if name in record.units))


def _sizes(current: Sequence[RunRecord], counting: Sequence[RunRecord], unit: Unit) -> list[Seen]:
    """The sizes, from cheap to dear."""
    names = {record.size_name: record.size for record in current}
    seen = [
        _seen(
            name,
            size,
            [record for record in counting if record.size_name == name],
            Counter(
                record.outcome for record in current if record.size_name == name and not record.ended_well
            ),
            unit,
        )
        for name, size in names.items()
    ]
    return sorted(seen, key=lambda size: size.point.cost if size.runs else math.inf)


def _seen(
    name: str, size: SparkSize, good: Sequence[RunRecord], failures: Mapping[str, int], unit: Unit
) -> Seen:
    def middle(value: Callable[[RunRecord], float]) -> float:
        return median([value(record) for record in good] or [0.0])

    points = []
    for record in good:
        amount = record.units[unit.name] / unit.scale
        points.append(Point(record.duration_s / amount, record.cost / amount))
    shares = [share for record in good if (share := record.memory_share) is not None]
    return Seen(
        name=name,
        size=size,
        runs=points,
        failures=failures,
        startup_share=middle(lambda record: record.startup_s / record.duration_s if record.duration_s else 0),
        mean_executors=middle(lambda record: record.mean_executors),
        memory_share=max(shares, default=None),
        gc_share=middle(lambda record: record.gc_share),
        spilled_bytes=middle(lambda record: record.work.spill_disk_bytes if record.work else 0),
    )
