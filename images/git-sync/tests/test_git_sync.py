"""Flags, credentials, back-off, metrics and HTTP answers; tests/integration/images has the rest."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from git_sync.__main__ import LONGEST_RETRY_S, retry_delay
from git_sync.flags import boolean, duration, parse, signal_number
from git_sync.metrics import Metrics, serve
from git_sync.repository import EmptyRepositoryError, Repository, SyncError, credentials

REQUIRED = ["--repo=http://git.test/dags.git", "--root=/git"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("500ms", 0.5), ("1m30s", 90), ("1.5h", 5400), ("0", 0), ("0s", 0)]
)
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (duration, "5"),
        (duration, ""),
        (duration, "5s x"),
        (duration, "-1s"),
        (boolean, "yes"),
        (signal_number, "SIGNO"),
    ],
)
def test_values_that_mean_nothing_are_refused(reader: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$"):
        reader(text)


@pytest.mark.parametrize("text", ["SIGHUP", "HUP", "1"])
def test_signals_have_three_names(text: str) -> None:
    assert signal_number(text) == signal.SIGHUP


def test_flags_go_before_variables_and_variables_before_defaults() -> None:
    settings = parse([*REQUIRED, "--period=7s"], {"GITSYNC_PERIOD": "9s", "GITSYNC_ONE_TIME": "true"})
    assert (settings.period, settings.one_time, settings.depth) == (7.0, True, 1)
    assert parse([*REQUIRED, "--one-time=false"], {"GITSYNC_ONE_TIME": "1"}).one_time is False
    assert parse([*REQUIRED, "--one-time"], {}).one_time is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--root=/git"], "--repo must be specified"),
        ([*REQUIRED, "--username=me"], "GITSYNC_PASSWORD and --password-file"),
        ([*REQUIRED, "--http-metrics"], "--http-bind must be specified"),
        ([*REQUIRED, "--exechook-command=x"], "--exechook-command"),
        ([*REQUIRED, "--period=soon"], "--period: invalid duration value: 'soon'"),
    ],
)
def test_wrong_flags_are_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments, {})
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("repo", "variables", "expected"),
    [
        ("http://h/r.git", {}, ("http://h/r.git", "", "")),
        ("http://me:p%40ss@h:81/r.git", {}, ("http://h:81/r.git", "me", "p@ss")),
        ("ssh://git@h/r.git", {}, ("ssh://git@h/r.git", "", "")),
        (
            "http://h/r.git",
            {"GITSYNC_USERNAME": "me", "GITSYNC_PASSWORD": "secret"},
            ("http://h/r.git", "me", "secret"),
        ),
    ],
)
def test_credentials_leave_the_address(
    repo: str, variables: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert credentials(parse([f"--repo={repo}", "--root=/git"], variables)) == expected


def test_back_off_doubles_with_jitter_and_has_an_end() -> None:
    for failures, longest in [(1, 1.0), (2, 2.0), (3, 4.0), (50, LONGEST_RETRY_S)]:
        delays = [retry_delay(failures) for _ in range(200)]
        assert longest / 2 <= min(delays) < max(delays) <= longest
        assert len(set(delays)) > 100


def test_metrics_and_readiness_over_http() -> None:
    metrics = Metrics()
    metrics.syncs["success"] += 2
    metrics.seconds["success"] += 0.5
    server = serve("127.0.0.1:0", metrics, show_metrics=True)
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(urllib.error.HTTPError, match="503") as caught:
            urllib.request.urlopen(address)
        caught.value.close()
        metrics.ready = True
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            lines = answer.read().decode().splitlines()
    finally:
        server.shutdown()
        server.server_close()
    assert 'git_sync_count_total{status="success"} 2' in lines
    assert 'git_sync_duration_seconds_sum{status="success"} 0.500000' in lines
    assert "git_fetch_count_total 0" in lines


def test_a_first_push_between_two_questions_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", f"{'a' * 40}\tHEAD\n{'a' * 40}\trefs/heads/main"])
    monkeypatch.setattr(Repository, "_git", lambda *_: next(answers))
    repository = Repository(parse([*REQUIRED, "--ref=main"], {}), Metrics())
    assert repository._resolve() == ("refs/heads/main", "a" * 40)


def test_an_empty_repository_is_told_from_a_missing_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(parse([*REQUIRED, "--ref=main"], {}), Metrics())
    monkeypatch.setattr(Repository, "_git", lambda *_: "")
    with pytest.raises(EmptyRepositoryError):
        repository._resolve()
    monkeypatch.setattr(Repository, "_git", lambda *_: f"{'a' * 40}\trefs/heads/other")
    with pytest.raises(SyncError, match="'main'"):
        repository._resolve()
