"""The command line: arguments, exit codes, SIGTERM."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from switchboard_stage import CallContext, Params, Stage, cli
from switchboard_stage.models import Batch, Call

STAGE = textwrap.dedent("""
    import os, signal
    from switchboard_stage import CallContext, Params, Stage, main

    class Hangup(Stage[Params]):
        name = "hangup"
        params_type = Params
        def process(self, call: CallContext) -> None:
            call.write_json("x.json", 1)
            if call.call.call_id == "b":
                os.kill(os.getpid(), signal.SIGTERM)

    main(Hangup)
""")


class CountParams(Params):
    count: int = 1


class Count(Stage[CountParams]):
    name = "count"
    params_type = CountParams

    def process(self, call: CallContext) -> None:
        call.write_json("count.json", self.params.count)


def batch(root: Path, *ids: str) -> list[str]:
    (root / "source").write_bytes(b"x")
    calls = tuple(Call(call_id=i, uri=(root / "source").as_uri()) for i in ids)
    path = root / "runs" / "r" / "batches" / "00000.json"
    path.parent.mkdir(parents=True)
    path.write_text(Batch(run_id="r", index=0, calls=calls).model_dump_json())
    return ["--batch", path.as_uri(), "--output", (root / "out").as_uri() + "/", "--run-id", "r"]


def test_runs_a_batch_and_ends_with_a_summary(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert cli.run(Count, [*batch(tmp_path, "a", "b"), "--params", '{"count": 3, "engine": "none"}']) == 0
    assert json.loads((tmp_path / "out/a/count/count.json").read_text()) == 3
    assert caplog.messages[0].startswith("[1/2] a: done in")
    assert caplog.messages[-1].startswith("count batch 0: 2 done;")


@pytest.mark.parametrize(
    ("params", "told"),
    [("{", "not JSON"), ("[]", "give a JSON object"), ('{"count": "many"}', "--params key count = 'many'")],
)
def test_wrong_params_say_which(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, params: str, told: str
) -> None:
    assert cli.run(Count, [*batch(tmp_path, "a"), "--params", params]) == cli.USAGE
    assert told in caplog.text


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("s3://b/runs/r/00000.json", "is not <run>/batches/<index>.json"),
        ("ftp://b/runs/r/batches/00000.json", "use s3://bucket/key or file:///folder/key"),
        ("file:///nowhere/runs/r/batches/00000.json", "there is no such object"),
    ],
)
def test_wrong_batch_says_why(caplog: pytest.LogCaptureFixture, uri: str, told: str) -> None:
    assert cli.run(Count, ["--batch", uri, "--output", "file:///nowhere", "--run-id", "r"]) == cli.USAGE
    assert told in caplog.text


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"AWS_REGION": ""}, "AWS_REGION"),
        ({"AWS_REGION": "r", "AWS_ENDPOINT_URL_S3": "s3:7070"}, "give a URL like"),
    ],
)
def test_wrong_environment_says_which(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variables: dict[str, str], told: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    args = ["--batch", "s3://b/runs/r/batches/0.json", "--output", "s3://b/out", "--run-id", "r"]
    assert cli.run(Count, args) == cli.USAGE
    assert told in caplog.text


def test_store_that_is_away_asks_for_another_try(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("switchboard_stage.store_s3.RETRIES", 1)
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    args = ["--batch", "s3://b/runs/r/batches/0.json", "--output", "s3://b/out", "--run-id", "r"]
    assert cli.run(Count, args) == cli.TRY_AGAIN
    assert "s3://b/runs/r/batches/0.json" in caplog.text


def test_sigterm_ends_it_after_the_call_at_hand(tmp_path: Path) -> None:
    program = tmp_path / "hangup.py"
    program.write_text(STAGE)
    library = str(Path(cli.__file__).parent.parent)
    result = subprocess.run(
        [sys.executable, str(program), *batch(tmp_path, "a", "b", "c")],
        env={"PYTHONPATH": library, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 128 + signal.SIGTERM
    assert (tmp_path / "out/b/hangup/_done.json").exists()
    assert not (tmp_path / "out/c").exists()
    assert result.stdout.splitlines()[-1].endswith("2 of 3 calls are through, a retry does the others")
