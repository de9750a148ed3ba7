"""Whether something grows with the number of launches: a straight line through what was seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from ops.bench.measure import Figure

FAR = 2000
"""The launch at which growth is told."""
LITTLE = 0.05
"""Growth at that launch below which there is none to speak of."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Line:
    """`value = start + slope * launches`, by least squares. `error`: the slope's standard error."""

    what: str
    unit: str
    start: float
    slope: float
    error: float
    points: int
    last: float
    """What was seen at the end."""
    late: float
    """The slope of the second half alone: far below `slope`, the growth levels off."""

    @property
    def interval(self) -> tuple[float, float]:
        """The slope's confidence interval: `slope ± t(0.975, n - 2) * error`."""
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, self.points - 2)) * self.error
        return self.slope - reach, self.slope + reach

    @property
    def is_flat(self) -> bool:
        """Whether the slope cannot be told from none."""
        low, high = self.interval
        return low <= 0 <= high

    @property
    def far(self) -> float:
        """What there will be at launch `FAR`: what there was at the start where the line is flat, and nothing
        where it would be less than that.
        """
        return self.start if self.is_flat else max(0.0, self.start + FAR * self.slope)

    @property
    def growth(self) -> float:
        """By which part of the start it has grown then; infinite where there was nothing."""
        added = self.far - self.start
        return added / self.start if self.start else (float("inf") if added > 0 else 0.0)

    @property
    def verdict(self) -> str:
        """In a word; `little` is less than `LITTLE`."""
        if self.is_flat:
            return "none"
        if abs(self.growth) < LITTLE:
            return "little"
        return "shrinks" if self.slope < 0 else "GROWS"

    def figure(self) -> Figure:
        """What there will be, over what there was."""
        name = f"{self.what} at launch {FAR}"
        return Figure(name, self.far, self.unit, 1 + LITTLE, self.start or None)


def line(what: str, unit: str, launches: Sequence[float], values: Sequence[float]) -> Line:
    """The line through values seen after so many launches. Raises ValueError for less than three."""
    if len(values) < 3:
        raise ValueError(f"{what}: {len(values)} points make no line with an error; take three at least")
    fit = stats.linregress(launches, values)
    # Of values that are all the same the library says that it does not know
    error = float(fit.stderr) if max(values) > min(values) else 0.0
    half = len(values) // 2
    late = stats.linregress(launches[half:], values[half:]).slope
    return Line(
        what, unit, float(fit.intercept), float(fit.slope), error, len(values), float(values[-1]), float(late)
    )
