"""What the driver decides: how many tasks, which groups, and whose fault an error is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from autotranscribe import driver, work
from autotranscribe.driver import grouped, run, slots
from switchboard_spark.application import UsageError
from switchboard_stage.models import Call

IMAGE = Path(__file__).parents[1]


class FakeContext:
    """A SparkContext's configuration."""

    defaultParallelism = 2  # noqa: N815

    def __init__(self, conf: dict[str, str]) -> None:
        self.conf = conf

    def getConf(self) -> dict[str, str]:  # noqa: N802
        return self.conf


def test_wrong_params_are_found_in_what_java_makes_of_an_executors_error() -> None:
    java = (
        "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.\n"
        ": org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
        '  File "work.py", line 1, in load\n'
        "switchboard_stage.errors.UsageError: --params key chunk_s = 600: too much\n\n\tat org.apache..."
    )
    with pytest.raises(UsageError, match="--params key chunk_s = 600: too much"), driver.start_errors_told():
        raise RuntimeError(java)
    with pytest.raises(RuntimeError, match="something else"), driver.start_errors_told():
        raise RuntimeError("something else")


def test_an_image_that_is_not_named_is_refused() -> None:
    images = {name: f"{name}@sha256:1" for name in work.STAGES if name != "asr"}
    with pytest.raises(UsageError, match=r"lacks \['asr'\]"):
        run("file:///r", "r", "file:///o", {}, images, None)


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, 2),
        ({"spark.executor.instances": "3", "spark.executor.cores": "2"}, 6),
        ({"spark.dynamicAllocation.maxExecutors": "5", "spark.executor.instances": "1"}, 5),
    ],
)
def test_tasks_are_counted_for_all_executors_that_there_may_be(conf: dict[str, str], expected: int) -> None:
    assert slots(FakeContext(conf)) == expected


def test_groups_are_even_and_bounded() -> None:
    def groups(count: int, mib: int) -> list[list[Call]]:
        return grouped([Call(call_id=f"c{number}", uri="u", size_bytes=mib << 20) for number in range(count)])

    assert grouped([]) == []
    assert len(groups(3, 1)) == 3
    assert len(groups(100, 1)) == driver.LANES
    many = groups(100, 64)
    assert len(many) == 25
    assert {len(group) for group in many} == {4}


def test_every_stage_has_its_class() -> None:
    """As the driver names them; the stages' own tests import them from there."""
    for place in work.STAGES.values():
        module, _, attribute = place.partition(":")
        package, name = module.split(".")
        code = IMAGE.with_name(package.replace("_", "-")) / package / f"{name}.py"
        assert f"class {attribute}(" in code.read_text()
    assert (*work.BEFORE, work.SPLIT, *work.AFTER) == tuple(work.STAGES)
    assert tomllib.loads((IMAGE / "image.toml").read_text())["parts"] == list(work.STAGES)
