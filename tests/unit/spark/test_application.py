"""Finding a function, calling it, and making its result travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchboard_spark import application
from switchboard_spark.application import UsageError
from switchboard_spark.model import EXIT_PERMANENT, EXIT_USAGE, RESULT_BYTES, Success

CODE = """
VALUE = 3
def add(a, b=1): return a + b
def counts(spark): return spark
def maybe(spark=None): return spark
def anything(**given): return given
"""


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/__init__.py").touch()
    (tmp_path / "jobs/counts.py").write_text(CODE)
    (tmp_path / "jobs/broken.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)


def call(name: str, arguments: str = "{}") -> object:
    return application.read(["--application", name, "--arguments", arguments])(lambda: "session")


def test_arguments_are_keywords() -> None:
    assert call("jobs.counts:add", '{"a": 1, "b": 2}') == 3
    assert call("jobs.counts:add", '{"a": 1}') == 2
    assert call("jobs.counts:anything", '{"day": "2024-05-01"}') == {"day": "2024-05-01"}


@pytest.mark.parametrize("name", ["counts", "maybe"])
def test_a_function_with_the_parameter_gets_the_session(name: str) -> None:
    assert call(f"jobs.counts:{name}") == "session"


def test_an_argument_of_that_name_comes_first() -> None:
    assert call("jobs.counts:maybe", '{"spark": "mine"}') == "mine"


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("jobs.counts", "{}", "not MODULE:FUNCTION"),
        ("jobs.nothing:add", "{}", "no module 'jobs.nothing'"),
        ("nothing.at.all:add", "{}", "no module 'nothing'"),
        ("jobs.counts:nothing", "{}", "no function 'nothing'"),
        ("jobs.counts:VALUE", "{}", "no function 'VALUE'"),
        ("jobs.counts:add", "{}", "missing a required argument: 'a'"),
        ("jobs.counts:add", '{"a": 1, "c": 2}', "unexpected keyword argument 'c'"),
        ("jobs.counts:add", "{", "not JSON"),
        ("jobs.counts:add", "[1]", "not an object"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(name: str, arguments: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        call(name, arguments)
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.remedy


def test_a_module_that_the_application_lacks_is_its_own_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        call("jobs.broken:add")


def test_no_application_is_told_in_one_line() -> None:
    with pytest.raises(UsageError, match="--application"):
        application.read([])


@pytest.mark.parametrize("value", [None, 1, "ä", [1, 2], {"a": {"b": 1.5}}])
def test_plain_values_travel(value: object) -> None:
    assert application.as_success(value) == Success(result=value)


@pytest.mark.parametrize(
    ("value", "reason"), [(object(), "no JSON"), (float("nan"), "no JSON"), ("x" * RESULT_BYTES, "bytes")]
)
def test_what_does_not_travel_is_not_tried_again(value: object, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        application.as_success(value)
    assert caught.value.exit_code == EXIT_PERMANENT
