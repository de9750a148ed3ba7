"""# AutoTranscribe

Recordings of calls in, redacted transcripts out.

`plan` finds the calls and shares them out to batches. With `engine_runtime` `pods` each batch goes through
its stages on its own, so that a slow batch holds up no other; with `spark` one application takes all calls
through the same stages, and the pieces of long calls go to whichever executor is free. `report` accounts for
every call and decides whether the run counts as a success.

**Params.** `prefix` *or* `calls` say what to transcribe (neither: everything below `calls/` in the data
bucket). A call that cannot be processed gets `error.json` beside its results, with stage, reason and remedy;
the run fails only if more than `max_failure_share` of its calls did.

**Run it again** as often as you like: a stage whose image, params and inputs have not changed is skipped.

**Results**: `transcripts/<call>/postprocess/transcript.json`, `.txt` and `.vtt`; the run's account:
`runs/<run>/summary.json`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, TriggerRule, chain, get_current_context, task_group
from airflow.sdk.exceptions import AirflowFailException
from airflow.timetables.trigger import CronTriggerTimetable

from switchboard.defaults import default_args
from switchboard.fork import ForkOperator, leave_out
from switchboard.images import pinned_image
from switchboard.objects import Objects, UriError, data_bucket
from switchboard.plan import plan_run
from switchboard.stage import StageOperator
from switchboard_spark.operator import SparkTaskOperator
from switchboard_spark.sizes import spark_offered

STAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess")

RUNTIMES = ["pods", "spark"] if spark_offered() else ["pods"]

PARAMS = {
    "prefix": Param(
        None,
        type=["null", "string"],
        title="Prefix",
        description="Transcribe everything below it: `s3://bucket/folder/`, or a key in the data bucket.",
    ),
    "calls": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "minLength": 1},
        title="Calls",
        description="Transcribe these: `s3://` URIs or keys in the data bucket. Not together with a prefix.",
    ),
    "engine": Param(
        "pocketsphinx",
        enum=["pocketsphinx", "faster-whisper"],
        title="Recogniser",
        description="`pocketsphinx` runs on CPUs, `faster-whisper` on GPUs.",
    ),
    "engine_runtime": Param(
        "pods",
        enum=RUNTIMES,
        title="Runtime",
        description="`pods`: a pod for each stage and batch. `spark`: all calls in one Spark application.",
    ),
    "languages": Param(
        ["en"],
        type="array",
        items={"type": "string", "pattern": "^[a-z]{2}$"},
        minItems=1,
        title="Languages",
        description="ISO 639-1 codes. Calls in another language are set aside.",
    ),
    "chunk_s": Param(30, type="number", minimum=5, maximum=600, title="Longest chunk, in seconds"),
    "batch_size": Param(
        8, type="integer", minimum=1, maximum=1000, title="Calls a batch", description="At least."
    ),
    "max_batches": Param(
        100,
        type="integer",
        minimum=1,
        maximum=500,
        title="Batches at most",
        description="With more calls than fit, batches grow.",
    ),
    "max_failure_share": Param(
        0.5,
        type="number",
        minimum=0,
        maximum=1,
        title="Failure share",
        description="Above it, the run fails.",
    ),
    "output": Param(
        "transcripts", type="string", minLength=1, title="Output", description="Where results go."
    ),
}

with DAG(
    "autotranscribe",
    description="Recordings of calls in, redacted transcripts out.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("17 2 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=64,
    max_active_tasks=128,
    # Where pool slots are short, later stages go first: calls are finished before others are begun
    default_args={**default_args("speech"), "weight_rule": "upstream"},
    params=PARAMS,
    tags=["speech", "transcription"],
) as dag:

    def plan() -> list[list[str]]:
        """Find the calls, refuse the impossible ones, write the batches. The answer is for pods; nothing is
        mapped over an empty one.
        """
        context = get_current_context()
        params, ti = context["params"], context["ti"]
        try:
            planned = plan_run(
                Objects.connect(), data_bucket(), context["run_id"], {**params, "stages": list(STAGES)}
            )
        except UriError as error:
            raise AirflowFailException(str(error)) from None  # another try would end the same way
        print(planned.summary)
        ti.xcom_push("report", planned.report)
        on_spark = params["engine_runtime"] == "spark"
        if on_spark:
            ti.xcom_push("whole", {**planned.whole, "images": {name: pinned_image(name) for name in STAGES}})
        if spark_offered() and not (on_spark and planned.stages):
            leave_out(context, "spark")
        return [] if on_spark else planned.stages

    @task_group
    def batch(arguments: list[str]) -> None:
        """One batch of calls through all stages."""
        chain(
            StageOperator(task_id="preprocess", image="preprocess", size="small", arguments=arguments),
            StageOperator(task_id="language-id", image="language-id", size="medium", arguments=arguments),
            StageOperator(task_id="diarization", image="diarization", size="medium", arguments=arguments),
            StageOperator(task_id="asr", image="asr", size="medium", arguments=arguments),
            StageOperator(task_id="redaction", image="redaction", size="medium", arguments=arguments),
            StageOperator(task_id="postprocess", image="postprocess", size="small", arguments=arguments),
        )

    planned: Any = ForkOperator(
        task_id="plan", python_callable=plan, execution_timeout=timedelta(minutes=30)
    ).output
    report = StageOperator(
        task_id="report",
        image="report",
        arguments=planned["report"],
        trigger_rule=TriggerRule.ALL_DONE,  # whatever became of the calls; it cannot begin without a plan
    )
    batch.expand(arguments=planned) >> report
    if spark_offered():
        spark = SparkTaskOperator(
            task_id="spark",
            application="autotranscribe:run",
            arguments=planned["whole"],
            image="autotranscribe",
            size="medium",
        )
        spark >> report
