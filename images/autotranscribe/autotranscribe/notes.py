"""Keeps what stages log on an executor, whose own log goes with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = logging.getLogger("switchboard.stage")


class Notes(logging.Handler):
    """Keeps what its thread logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, with its traceback."""
        if record.thread == self._thread:
            self.lines.append(self.format(record))


@contextmanager
def noted() -> Iterator[list[str]]:
    """What stages log meanwhile."""
    notes = Notes()
    STAGES.addHandler(notes)
    try:
        yield notes.lines
    finally:
        STAGES.removeHandler(notes)
