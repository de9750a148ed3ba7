"""# Spark example

Two Spark applications side by side: `pi` throws darts, `words` counts words of text in the object store.

Each task is a Spark driver in a pod of its own, which starts its executors and takes them with it when it
ends. What the function returned is the task's XCom. While a task runs, its link **Spark UI** leads to the
driver's page; **Spark history** shows the application afterwards.

**Params.** `partitions`: how many parts `pi` is worked on in. `prefix`: below which `words` reads, `s3a://...`
or a key in the data bucket.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param

from switchboard.defaults import default_args
from switchboard_spark.operator import SparkTaskOperator

PARAMS = {
    "partitions": Param(8, type="integer", minimum=1, maximum=10_000, title="Partitions"),
    "prefix": Param(
        "transcripts/",
        type="string",
        minLength=1,
        title="Prefix",
        description="Text below it is counted: `s3a://bucket/folder/`, or a key in the data bucket.",
    ),
}

with DAG(
    "spark_example",
    description="Two Spark applications side by side.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    default_args={**default_args("speech"), "execution_timeout": timedelta(minutes=30)},
    params=PARAMS,
    render_template_as_native_obj=True,  # `partitions` is a number to the function, too
    tags=["spark", "example"],
) as dag:
    SparkTaskOperator(
        task_id="pi",
        application="example:pi",
        arguments={"partitions": "{{ params.partitions }}"},
        image="spark-example",
    )
    SparkTaskOperator(
        task_id="words",
        application="example:words",
        arguments={"prefix": "{{ params.prefix }}"},
        image="spark-example",
    )
