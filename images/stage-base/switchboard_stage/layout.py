"""Where things lie in the object store; pure functions from names to URIs.

<output>/<call_id>/<stage>/<files>            what a stage made of a call
<output>/<call_id>/<stage>/_done.json         the stage is through with the call (written last)
<output>/<call_id>/error.json                 why there is no transcript
<runs>/<run_id>/batches/00000.json            what a task has to do
<runs>/<run_id>/stages/<stage>/00000.json     what it did
"""

DONE = "_done.json"
ERROR = "error.json"


def join(base: str, *parts: str) -> str:
    """URI of something below `base`."""
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)])


def stage_file(output: str, call_id: str, stage: str, name: str) -> str:
    """URI of a file that a stage made of a call."""
    return join(output, call_id, stage, name)


def done_file(output: str, call_id: str, stage: str) -> str:
    """URI of the mark that a stage is through with a call."""
    return stage_file(output, call_id, stage, DONE)


def error_file(output: str, call_id: str) -> str:
    """URI of a call's error record."""
    return join(output, call_id, ERROR)


def batch_file(run: str, index: int) -> str:
    """URI of a batch; `run` is the URI of the run's folder."""
    return join(run, "batches", f"{index:05d}.json")


def report_file(run: str, stage: str, index: int) -> str:
    """URI of a batch report; `run` is the URI of the run's folder."""
    return join(run, "stages", stage, f"{index:05d}.json")


def run_of(batch_uri: str) -> str:
    """URI of the run's folder that a batch lies in.

    Raises ValueError where `batch_uri` is not `<run>/batches/<index>.json`.
    """
    run, folder, _ = (["", "", *batch_uri.rsplit("/", 2)])[-3:]
    if folder != "batches" or not run:
        raise ValueError(f"{batch_uri} is not <run>/batches/<index>.json")
    return run
