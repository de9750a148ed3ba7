"""A container's termination message: where a driver says how it ended (`model.Ending`)."""

from __future__ import annotations

import logging
from pathlib import Path

from switchboard_spark.model import Success, Verdict

log = logging.getLogger("switchboard.spark")

TERMINATION_LOG = Path("/dev/termination-log")
MESSAGE_BYTES = 4000
"""Kubernetes keeps 4,096 of a termination message."""


def write_message(ending: Success | Verdict, file: Path) -> None:
    """Leave the termination message, where there is a place for one. What is long of it is cut."""
    text = ending.model_dump_json()
    while isinstance(ending, Verdict) and len(text.encode()) > MESSAGE_BYTES:
        part, words = max(("reason", ending.reason), ("remedy", ending.remedy), key=lambda each: len(each[1]))
        ending = ending.model_copy(update={part: words[: len(words) * 3 // 4] + "…"})
        text = ending.model_dump_json()
    try:
        file.write_text(text)
    except OSError:
        log.info("ended: %s", text)
