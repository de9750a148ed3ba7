"""# Transcripts of a day

What AutoTranscribe wrote on a day, as tables: Parquet in the object store, and Postgres.

`to_parquet` reads the day's transcripts, holds them to a set of rules (how many, how complete, how plausible,
how different from each other) and publishes `<lake>/calls` and `<lake>/segments`, a folder a day in each.
`to_postgres` brings that day to the tables of the same names in the warehouse, in one transaction.

**A rule that is broken** fails the run before anything is published: the error names the rule, what it asks
for, what it found, and the keys of some rows; all of them are in `<lake>/quarantine/day=....json`.

**The day** of a transcript is the one (UTC) on which it was written, since recordings do not say when their
call was. Each night the day before is loaded, which is over then.

**Params.** `day`: another one, also today as far as it is there. `min_calls`: a day with fewer is not
believed. `prefix` and `lake`: where transcripts lie and tables go, `s3a://...` or keys in the data bucket.

**Run it again** as often as you like: the same day gives the same tables, and rows that are gone go.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param
from airflow.timetables.trigger import CronTriggerTimetable

from switchboard.defaults import default_args
from switchboard_spark.operator import SparkTaskOperator

PARAMS = {
    "day": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="In UTC. None: the day before the run.",
    ),
    "min_calls": Param(
        1, type="integer", minimum=0, title="Calls at least", description="0: a day without any is fine."
    ),
    "prefix": Param("transcripts/", type="string", minLength=1, title="Prefix of transcripts"),
    "lake": Param("lake/transcripts", type="string", minLength=1, title="Prefix of tables"),
}

DAY = "{{ params.day or macros.ds_add(dag_run.run_after | ds, -1) }}"

with DAG(
    "transcripts_daily",
    description="What AutoTranscribe wrote on a day, as Parquet and in Postgres.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("47 0 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,  # two runs of one day would replace the same folders
    default_args={**default_args("speech"), "execution_timeout": timedelta(hours=2)},
    params=PARAMS,
    render_template_as_native_obj=True,  # `min_calls` is a number to the function, too
    tags=["speech", "spark", "batch"],
) as dag:
    to_parquet = SparkTaskOperator(
        task_id="to_parquet",
        application="transcripts_daily.jobs:to_parquet",
        arguments={
            "day": DAY,
            "prefix": "{{ params.prefix }}",
            "lake": "{{ params.lake }}",
            "min_calls": "{{ params.min_calls }}",
        },
        image="transcripts-daily",
    )
    to_postgres = SparkTaskOperator(
        task_id="to_postgres",
        application="transcripts_daily.jobs:to_postgres",
        arguments={"day": DAY, "lake": "{{ params.lake }}"},
        image="transcripts-daily",
        connections=["warehouse"],
    )
    to_parquet >> to_postgres
