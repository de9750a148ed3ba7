"""# Spark sweep

Runs one Spark application in several sizes, on a sample of its input, so that `make spark-advice
DAG=spark_sweep TASK=<subject>` can compare them.

**Params.** `subject`: which application; each is a task of this DAG. `sizes` and `repetitions`: every size
runs that often, in turns, so that what changes meanwhile (a warm cache, a busy node) meets all of them.
`sample`: the share of the input, for an application that takes one. `prefix`: below which `words` reads.
`partitions`: of `pi`.

One run goes after the other: two at once would measure each other. To sweep an application of your own, add
it to this file.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from switchboard.defaults import default_args
from switchboard_spark.operator import SparkTaskOperator
from switchboard_spark.sizes import read_platform

SIZES = list(read_platform().sizes)

PARAMS = {
    "subject": Param("words", enum=["words", "pi"], title="Subject", description="The application."),
    "sizes": Param(
        SIZES,
        type="array",
        items={"type": "string", "enum": SIZES},
        minItems=1,
        title="Sizes",
        description="Those to compare.",
    ),
    "repetitions": Param(
        3,
        type="integer",
        minimum=1,
        maximum=20,
        title="Repetitions",
        description="Runs a size. From three on a median means something.",
    ),
    "sample": Param(
        0.2,
        type="number",
        exclusiveMinimum=0,
        maximum=1,
        title="Sample",
        description="The share of the input that is read. Too small a one shows start-up and nothing else.",
    ),
    "prefix": Param(
        "transcripts/",
        type="string",
        minLength=1,
        title="Prefix",
        description="What `words` reads: `s3a://bucket/folder/`, or a key in the data bucket.",
    ),
    "partitions": Param(64, type="integer", minimum=1, maximum=10_000, title="Partitions of `pi`"),
}

with DAG(
    "spark_sweep",
    description="One Spark application in several sizes, to compare them.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={**default_args("speech"), "execution_timeout": timedelta(hours=2)},
    params=PARAMS,
    render_template_as_native_obj=True,  # numbers are numbers to the functions, too
    tags=["spark", "sizes"],
) as dag:

    @task(execution_timeout=timedelta(minutes=5))
    def plan(subject: str) -> list[str]:
        """The sizes of the subject's runs, in turns; none where another subject was asked for."""
        params = get_current_context()["params"]
        return params["sizes"] * params["repetitions"] if params["subject"] == subject else []

    def sweep(subject: str, application: str, image: str, arguments: dict[str, Any]) -> None:
        """A task that runs once for each size planned."""
        SparkTaskOperator.partial(
            task_id=subject,
            application=application,
            image=image,
            arguments=arguments,
            sizes=SIZES,
            map_index_template="{{ task.size }}",
            max_active_tis_per_dagrun=1,
        ).expand(size=plan.override(task_id=f"plan_{subject}")(subject))

    sweep(
        "words",
        application="example:words",
        image="spark-example",
        arguments={"prefix": "{{ params.prefix }}", "sample": "{{ params.sample }}"},
    )
    sweep(
        "pi",
        application="example:pi",
        image="spark-example",
        arguments={"partitions": "{{ params.partitions }}"},
    )
