"""One process on one core: all of AutoTranscribe over some calls, by the functions that executors run.

It is sent into a pod of the image `autotranscribe` as it is (`python -c`), and prints what it took as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from autotranscribe import work as executor
from autotranscribe.driver import pieces_of
from switchboard_stage.models import Call


def transcribe(work: executor.Work, call: Call) -> float:
    """A call through all stages; the seconds of its audio. Raises RuntimeError for one that fails."""
    prepared = executor.prepare(work, call)
    heard = [executor.recognise(work, piece)[1] for piece in pieces_of(prepared)]
    outcome = executor.finish(work, [prepared, *heard]).outcomes["postprocess"]
    if outcome.outcome != "done":
        raise RuntimeError(f"{call.call_id}: {outcome.outcome} {outcome.reason}")
    return outcome.audio_s


def measure(told: dict[str, Any]) -> dict[str, float]:
    """Seconds of audio, clock and processor. The first call loads the models, and does not count.

    `told`: `run_id`, `output`, `params`, `images` as `Work` has them, and `calls`, two at least.
    """
    work = executor.Work(told["run_id"], told["output"], executor.as_params(told["params"]), told["images"])
    first, *calls = [Call.model_validate(each) for each in told["calls"]]
    began = time.monotonic()
    transcribe(work, first)
    at, clock, cpu = time.time(), time.monotonic(), time.process_time()
    audio_s = sum(transcribe(work, call) for call in calls)
    return {
        "audio_s": audio_s,
        "started_at": at,
        "seconds": time.monotonic() - clock,
        "cpu_s": time.process_time() - cpu,
        "first_s": clock - began,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(json.loads(sys.argv[1]))) + "\n")
