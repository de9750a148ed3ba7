"""The Spark image and the images of the stages, each on the same calls: they leave the same objects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ops import images
from samples import make_bad_calls
from samples.calls import make_call
from switchboard_stage.models import Batch, Call
from tests.integration.images.containers import Docker, log_of
from tests.integration.spark.conftest import S3
from tests.integration.spark.test_image import run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (shutil.which("flite") and shutil.which("espeak-ng")),
        reason="no flite or espeak-ng: run `make tools`",
    ),
]

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")
DIGESTS = {name: f"registry.example/{name}@sha256:{'1' * 64}" for name in STAGES}
KINDS = {"wav": 51, "telephony-mixed": 52}
"""Two channels, wide; one channel, narrow: another way through diarization and recognition each."""

MINUTES = 0.4
TIMES = {"seconds", "at", "started_at"}
SIZE_LIMIT_MB = 1800
"""With a tenth to spare: who adds more should notice. 1,110 of it are Spark's."""


@pytest.fixture(scope="module")
def all_images() -> dict[str, str]:
    """The local tag of the Spark image and of each stage's, by name."""
    return {image.recipe.name: image.recipe.tag for image in images.build_all(("autotranscribe",))}


@pytest.fixture(scope="module")
def batches(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> list[Batch]:
    """Good calls and poisoned ones in the bucket, in two batches."""
    folder = tmp_path_factory.mktemp("calls")
    for kind, seed in KINDS.items():
        make_call(folder, kind, seed, MINUTES)
    make_bad_calls(folder)
    calls = []
    for path in sorted(path for path in folder.iterdir() if path.suffix != ".json"):
        s3.client().upload_file(str(path), s3.bucket, f"calls/{path.name}")
        uri = f"s3://{s3.bucket}/calls/{path.name}"
        calls.append(Call(call_id=path.stem, uri=uri, size_bytes=path.stat().st_size))
    return [
        Batch(run_id="r", index=0, calls=tuple(calls[::2])),
        Batch(run_id="r", index=1, calls=tuple(calls[1::2])),
    ]


@pytest.fixture(scope="module")
def by_pods(containers: Docker, all_images: dict[str, str], s3: S3, batches: list[Batch]) -> str:
    """The prefix where the stages' own images left their results."""
    for batch in batches:
        s3.put(f"pods/runs/r/batches/{batch.index:05d}.json", batch.model_dump_json())
        for name in STAGES:
            words = (
                *("--batch", f"s3://{s3.bucket}/pods/runs/r/batches/{batch.index:05d}.json"),
                *("--output", f"s3://{s3.bucket}/pods/out", "--run-id", "r"),
            )
            environment = {**s3.environment, "SWITCHBOARD_IMAGE": DIGESTS[name]}
            container = containers.start(all_images[name], *words, environment=environment)
            assert container.wait(timeout=300)["StatusCode"] == 0, log_of(container)
    return "pods/"


def on_spark(containers: Docker, image: str, s3: S3, message: Path) -> Any:
    """What the application returned."""
    arguments = {
        "folder": f"s3://{s3.bucket}/spark/runs/r",
        "run_id": "r",
        "output": f"s3://{s3.bucket}/spark/out",
        "params": {},
        "images": DIGESTS,
    }
    status, said, log = run(
        containers, image, message, "autotranscribe:run", arguments=arguments, environment=s3.environment
    )
    assert status == 0, log
    assert "very-secret" not in log
    return said["result"]


@pytest.fixture(scope="module")
def by_spark(
    containers: Docker,
    all_images: dict[str, str],
    s3: S3,
    batches: list[Batch],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Any]:
    """The prefix where the application left its results, and what it returned."""
    for batch in batches:
        s3.put(f"spark/runs/r/batches/{batch.index:05d}.json", batch.model_dump_json())
    message = tmp_path_factory.mktemp("message") / "termination-log"
    message.touch()
    message.chmod(0o666)
    return "spark/", on_spark(containers, all_images["autotranscribe"], s3, message)


def left(s3: S3, prefix: str) -> dict[str, Any]:
    """Every object below a prefix; JSON without the times in it."""
    found = {key.removeprefix(prefix): s3.get(key) for key in s3.keys(prefix)}
    return {key: without_times(json.loads(data)) if holds_times(key) else data for key, data in found.items()}


def holds_times(key: str) -> bool:
    return key.startswith("runs/") or key.endswith(("_done.json", "error.json"))


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name not in TIMES}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def test_the_same_objects_byte_for_byte(s3: S3, by_pods: str, by_spark: tuple[str, Any]) -> None:
    pods, spark = left(s3, by_pods), left(s3, by_spark[0])
    assert sorted(pods) == sorted(spark)
    assert [key for key in pods if pods[key] != spark[key]] == []
    for kind, seed in KINDS.items():
        transcript = json.loads(s3.get(f"spark/out/{kind}-{seed:04d}/postprocess/transcript.json"))
        assert transcript["versions"] == DIGESTS
        assert transcript["segments"]


def test_poisoned_calls_are_recorded_and_the_others_counted(s3: S3, by_spark: tuple[str, Any]) -> None:
    _, told = by_spark
    bad = {key.split("/")[2] for key in s3.keys("spark/out/") if key.endswith("/error.json")}
    assert "bad-not-audio" in bad
    assert (told["transcribed"], told["failed"], told["unchanged"]) == (len(KINDS), len(bad), 0)
    assert told["calls"] == len(KINDS) + len(bad)
    assert told["audio_s"] > 30


def test_a_second_run_does_only_what_is_missing(
    containers: Docker, all_images: dict[str, str], s3: S3, by_spark: tuple[str, Any], message: Path
) -> None:
    lost = f"wav-{KINDS['wav']:04d}"
    before = left(s3, "spark/out/")
    s3.client().delete_object(Bucket=s3.bucket, Key=f"spark/out/{lost}/asr/words.json")
    told = on_spark(containers, all_images["autotranscribe"], s3, message)
    assert (told["transcribed"], told["unchanged"]) == (0, len(KINDS))
    assert told["audio_s"] > 10, "the call whose words were lost was recognised again"
    assert left(s3, "spark/out/") == before


def test_wrong_params_are_the_tasks_fault_and_not_tried_again(
    containers: Docker, all_images: dict[str, str], s3: S3, batches: list[Batch], message: Path
) -> None:
    s3.put("wrong/runs/r/batches/00000.json", batches[0].model_dump_json())
    arguments = {
        "folder": f"s3://{s3.bucket}/wrong/runs/r",
        "run_id": "r",
        "output": f"s3://{s3.bucket}/wrong/out",
        "params": {"chunk_s": 1},
        "images": DIGESTS,
    }
    status, said, _ = run(
        containers,
        all_images["autotranscribe"],
        message,
        "autotranscribe:run",
        arguments=arguments,
        environment=s3.environment,
    )
    assert (status, said["kind"]) == (2, "usage")
    assert "--params key chunk_s = 1" in said["reason"]
    assert not s3.keys("wrong/out/")


def test_the_image_holds_the_stages_and_not_more(containers: Docker, all_images: dict[str, str]) -> None:
    from ops.images.engine import Engine

    image = Engine().client.images.get(all_images["autotranscribe"])
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert image.attrs["Size"] < SIZE_LIMIT_MB * 1e6
    packages = {
        name: json.loads(containers.once(tag, "-c", VERSIONS, entrypoint="python")[1])
        for name, tag in all_images.items()
        if name in (*STAGES, "autotranscribe")
    }
    whole = packages.pop("autotranscribe")
    for name, own in packages.items():
        assert own.items() <= whole.items(), name


VERSIONS = """
import json
from importlib.metadata import distributions
print(json.dumps({each.name: each.version for each in distributions()}))
"""
