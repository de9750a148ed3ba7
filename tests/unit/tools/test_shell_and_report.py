"""Programs that are run, and what the user sees of it."""

import io
import re
import threading
from pathlib import Path

import pytest

from tools import shell
from tools.report import Report, duration


def test_a_failure_shows_what_the_program_said_last(tmp_path: Path) -> None:
    log = tmp_path / "logs/step.log"
    with pytest.raises(shell.StepError, match="(?s)failed \\(3\\).*disk full.*step.log"):
        shell.run(["sh", "-c", "echo begin; echo disk full >&2; exit 3"], log)
    assert "begin\ndisk full\n" in log.read_text()


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("example.org/a@v1: reading https://mirror.example/a/@v/v1.zip: 403 Forbidden", True),
        ("reading https://mirror.example/a/@v/v1.info: 404 Not Found", True),
        ("reading https://mirror.example/a/@v/v1.mod: 410 Gone", True),
        ("reading https://mirror.example/a/@v/v1.zip: 502 Bad Gateway", False),
        ("main.go:403: undefined: Forbidden", False),
    ],
)
def test_a_registry_that_refuses_is_told_from_other_trouble(tmp_path: Path, said: str, refused: bool) -> None:
    with pytest.raises(shell.StepError) as caught:
        shell.run(
            ["sh", "-c", f"echo begin; echo '{said}'; echo '  server response: no'; exit 1"], tmp_path / "log"
        )
    assert isinstance(caught.value, shell.RefusedError) == refused


def test_lines_are_seen_as_they_come(tmp_path: Path) -> None:
    seen: list[str] = []
    shell.run(["printf", "one\\ntwo\\n"], tmp_path / "log", on_line=seen.append)
    assert seen == ["one", "two"]


def test_nothing_is_started_once_all_is_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "ENDING", threading.Event())
    shell.end_running()
    with pytest.raises(shell.StepError, match="was not started"):
        shell.run(["touch", tmp_path / "made"], tmp_path / "log")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("command", [["false"], ["no-such-program"], ["sleep", "5"]])
def test_no_output_of_what_fails_is_missing_or_hangs(command: list[str]) -> None:
    assert shell.output(command, timeout_s=0.1) is None


def test_steps_are_counted_and_timed() -> None:
    report = Report(total=2, stream=io.StringIO())
    with report.step("apt", "both") as step:
        step.detail = "3 packages"
    with pytest.raises(shell.StepError), report.step("go", "CPU"):
        raise shell.StepError("no")
    text = report.stream.getvalue()  # type: ignore[attr-defined]
    assert re.search(r"\[ 1/2\] apt +0 s  3 packages\n", text)
    assert re.search(r"\[ 2/2\] go +FAILED after 0 s\n", text)
    first_words = [line.split()[0] for line in report.table().splitlines()]
    assert (first_words[0], set(first_words[1:-1]), first_words[-1]) == ("step", {"apt", "go"}, "all")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.2, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")]
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration(seconds) == text
