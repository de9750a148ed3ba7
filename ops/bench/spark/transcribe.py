"""Transcription of the same calls: pods in turn, mapped pods, Spark with 1, 2 and 4 executors."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from infra.platform.settings import load
from infra.platform.spark_settings import Prices
from ops import images
from ops.airflow_api import AirflowApi
from ops.bench.measure import NAMESPACE, Figure
from ops.bench.rest import init_pids
from ops.bench.spark import bare
from ops.bench.spark.accounts import Floor, Taken, figures, rates_of
from ops.bench.spark.calls import PREFIX, Heard, uploaded
from ops.bench.spark.needs import keep, show
from ops.bench.spark.objects import keys, remove
from ops.bench.spark.pods import PodWatch, api_of, asked_by
from ops.bench.spark.pushed import BenchError, ended_well, pushed
from ops.bench.spark.shown import floors_told, show_taken
from ops.bench.spark.single import single
from ops.bench.spark.usage import Interval, Usage, cluster_cpu_s, length_s, united
from ops.bench.spark.ways import Way, dag_of, ways
from ops.console import console, detail
from ops.environment import Environment
from ops.spark_advice.records import find
from switchboard.defaults import STAGE_POOL
from switchboard.names import run_slug
from switchboard_stage.models import BatchReport

MINUTES = 30.0
ALONE = Path(__file__).with_name("alone.py")
ALONE_SHARE = 0.1
"""Of the audio, what one process alone works on: once before everything else, and once after."""
ALONE_MIB = 1024
STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")
CORES = psutil.cpu_count() or 1
REST_S = 20.0
RUN_S = 3600.0
PARAMS = {"engine": "pocketsphinx", "languages": ["en"], "chunk_s": 30}
SAME = 0.01
"""Most by which the audio of two ways may differ; what fails in one of them would make it look fast."""


def transcribe(environment: Environment, minutes: float = MINUTES) -> list[Figure]:
    """Measure each way once, over at least `minutes` of generated calls.

    Raises BenchError where a way did not transcribe all of them.
    """
    speech = load(environment.name).deployments["speech"]
    if speech.spark is None:
        raise BenchError(f"{environment.name} has no Spark: take `spark: null` out of its settings")
    pids, pins = init_pids(environment.name), images.pinned(environment.name)
    bare.pull(environment, [pins[name] for name in (*STAGES, "report", "autotranscribe")])
    chosen = ways(speech.pools[STAGE_POOL].slots)
    files = {f"speech/{way.dag_id}.py": dag_of(way) for way in chosen}
    with (
        uploaded(environment, minutes) as calls,
        pushed(environment, files, [w.dag_id for w in chosen]) as airflow,
    ):
        wanted_s = sum(call.duration_s for call in calls)
        detail(f"{len(calls)} calls, {wanted_s / 60:.1f} minutes")
        rest = _rest_cores(pids)
        floors = [_alone(environment, calls, pids, pins)]
        taken = [_take(environment, airflow, way, pids, rest) for way in chosen]
        floors.append(_alone(environment, calls, pids, pins))
        full = _alone(environment, calls, pids, pins, count=CORES)
    if wrong := [each for each in taken if abs(each.audio_s / wanted_s - 1) > SAME]:
        raise BenchError(f"{wrong[0].way.name} transcribed {wrong[0].audio_s:.0f} s of {wanted_s:.0f} s")
    return _told(floors, full, taken, len(calls), speech.spark.prices)


def _told(
    floors: Sequence[Floor], full: Floor, taken: Sequence[Taken], calls: int, prices: Prices
) -> list[Figure]:
    """Show everything, and give the figures."""
    console.print(show_taken(floors, full, taken, CORES, prices.on_demand))
    console.print(floors_told(floors, full, CORES, prices.on_demand), markup=False)
    rates = rates_of(floors, full, taken, calls, CORES)
    keep(rates)
    show(rates, prices.on_demand)
    return figures(floors, taken, CORES, prices)


def _rest_cores(pids: Sequence[int]) -> float:
    """Cores that the cluster uses when nobody asks it for anything."""
    with Usage(pids) as usage:
        time.sleep(REST_S)
    return cluster_cpu_s(usage.samples) / (usage.samples[-1].at - usage.samples[0].at)


def share_of(calls: Sequence[Heard]) -> list[Heard]:
    """A call to load the models with, and then `ALONE_SHARE` of all the audio at least.

    Raises BenchError where there are no two calls.
    """
    if len(calls) < 2:
        raise BenchError("one call is not enough for one process alone: take more minutes")
    enough_s = ALONE_SHARE * sum(call.duration_s for call in calls)
    share = list(calls[:2])
    for call in calls[2:]:
        if sum(each.duration_s for each in share[1:]) >= enough_s:
            break
        share.append(call)
    return share


def _alone(
    environment: Environment,
    calls: Sequence[Heard],
    pids: Sequence[int],
    pins: dict[str, str],
    count: int = 1,
) -> Floor:
    """Processes on a core of their own, each over the same share of the calls."""
    told = {
        "run_id": "bench-alone",
        "params": PARAMS,
        "images": {name: pins[name] for name in STAGES},
        "calls": [call.as_call() for call in share_of(calls)],
    }
    requests = {"cpu": "100m", "memory": f"{ALONE_MIB}Mi"}
    one_core = {"requests": requests, "limits": {"cpu": "1", "memory": "2Gi"}}
    mains = []
    for number in range(count):
        output = f"s3://{environment.data_bucket}/{PREFIX}alone/{number}"
        command = ["python", "-c", ALONE.read_text(), json.dumps({**told, "output": output})]
        mains.append(bare.container(f"alone-{number}", pins["autotranscribe"], command, one_core))
    with Usage(pids) as usage:
        logs = bare.run_pod(environment, bare.pod(mains), within_s=1500)
    remove(environment, environment.data_bucket, f"{PREFIX}alone/")
    said = [json.loads(log.splitlines()[-1]) for log in logs]
    audio_s, cpu_s = (sum(each[name] for each in said) for name in ("audio_s", "cpu_s"))
    work = united((each["started_at"], each["started_at"] + each["seconds"]) for each in said)
    detail(f"{count} alone: {audio_s:.0f} s of audio in {length_s(work):.0f} s")
    return Floor(count, audio_s, work, usage.samples, cpu_s, ALONE_MIB)


def _take(environment: Environment, airflow: AirflowApi, way: Way, pids: Sequence[int], rest: float) -> Taken:
    """Transcribe all calls in one of the ways."""
    conf: dict[str, Any] = {
        **PARAMS,
        "prefix": f"s3://{environment.data_bucket}/{PREFIX}calls/",
        "output": f"{PREFIX}{way.dag_id}",
        "engine_runtime": way.runtime,
    }
    with Usage(pids) as usage, PodWatch(api_of(environment), NAMESPACE, f"dag_id={way.dag_id}") as watch:
        began = time.time()
        run_id = airflow.trigger(way.dag_id, conf)
        ended_well(airflow, way.dag_id, run_id, RUN_S)
    run = airflow.get(f"/dags/{way.dag_id}/dagRuns/{run_id}")
    lives, now = watch.seen(), time.time()
    work, audio_s = (
        _work_on_spark(environment, way, run_id) if way.executors else _work_in_pods(environment, run_id)
    )
    ended = datetime.fromisoformat(run["end_date"]).timestamp()
    above_rest = cluster_cpu_s(usage.samples) - rest * (usage.samples[-1].at - usage.samples[0].at)
    _clean(environment, way, run_id)
    detail(f"{way.name}: {audio_s:.0f} s of audio in {ended - began:.0f} s, {len(lives)} pods")
    return Taken(
        way, audio_s, began, ended, work, usage.samples, above_rest, asked_by(lives, now), len(lives)
    )


def _work_in_pods(environment: Environment, run_id: str) -> tuple[list[Interval], float]:
    """When any stage was at work, and the seconds of audio that were recognised."""
    bucket, prefix = environment.data_bucket, f"runs/{run_slug(run_id)}/stages/"
    bodies = [
        environment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in keys(environment, bucket, prefix)
    ]
    reports = [BatchReport.model_validate_json(body) for body in bodies]
    starts = [(report.started_at.timestamp(), report.seconds) for report in reports]
    heard = sum(report.audio_s for report in reports if report.stage == "asr")
    return united((start, start + seconds) for start, seconds in starts), heard


def _work_on_spark(environment: Environment, way: Way, run_id: str) -> tuple[list[Interval], float]:
    """From the first executor to the driver's end, and the seconds of audio that were recognised."""
    logs = environment.cluster.object_store.buckets["logs"]
    found = find(environment.s3, logs, environment.platform["namespaces"], way.dag_id, "spark")
    (record,) = [each for each in found if each.run_id == run_id]
    began = record.started.timestamp() + record.startup_s
    return [(began, record.ended.timestamp())], record.counted["audio_seconds"]


def _clean(environment: Environment, way: Way, run_id: str) -> None:
    """Remove what a run left in the data bucket."""
    remove(environment, environment.data_bucket, f"runs/{run_slug(run_id)}/")
    remove(environment, environment.data_bucket, f"{PREFIX}{way.dag_id}/")


def main(
    env: Annotated[str, typer.Option(help="the environment")] = "bench",
    minutes: Annotated[float, typer.Option(help="of audio, at least")] = MINUTES,
) -> None:
    """The benchmark alone, with as much audio as wanted."""
    single("transcribe", env, lambda environment: transcribe(environment, minutes))


if __name__ == "__main__":
    typer.run(main)
