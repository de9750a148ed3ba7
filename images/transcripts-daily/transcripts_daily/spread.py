"""The kind of rule that sparkdq lacks: a column's standard deviation."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pyspark.sql import Column
from pyspark.sql import functions as f
from sparkdq.core import (
    AggregateEvaluationResult,
    BaseAggregateCheckConfig,
    ObservableAggregateCheck,
    Severity,
)
from sparkdq.plugin import register_check_config


class StandardDeviationBetweenCheck(ObservableAggregateCheck):  # type: ignore[misc]  # has no types here
    """The sample standard deviation (normalised by N-1) of a column's values lies between two bounds.

    Nulls don't count, and fewer than `min_rows` values are believed: they say nothing about a spread.
    """

    def __init__(
        self,
        check_id: str,
        column: str,
        min_value: float,
        max_value: float,
        min_rows: int,
        severity: Severity = Severity.CRITICAL,
    ) -> None:
        super().__init__(check_id=check_id, severity=severity)
        self.column, self.min_value, self.max_value, self.min_rows = column, min_value, max_value, min_rows

    def aggregations(self) -> dict[str, Column]:
        """What Spark computes, in one pass with all other rules."""
        return {"values": f.count(self.column), "standard_deviation": f.stddev_samp(self.column)}

    def _evaluate_from_agg_results(self, results: dict[str, Any]) -> AggregateEvaluationResult:
        few = results["values"] < self.min_rows
        passed = few or self.min_value <= results["standard_deviation"] <= self.max_value
        return AggregateEvaluationResult(passed=passed, metrics=results)


@register_check_config(check_name="standard-deviation-between-check")
class StandardDeviationBetweenCheckConfig(BaseAggregateCheckConfig):  # type: ignore[misc]
    """Its rule's keys."""

    check_class = StandardDeviationBetweenCheck
    column: str
    min_value: float = Field(alias="min-value", ge=0)
    max_value: float = Field(alias="max-value", ge=0)
    min_rows: int = Field(alias="min-rows", ge=2)
