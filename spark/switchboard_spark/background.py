"""Work that nobody waits for at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.05


def done_within(work: Future[T], limit_s: Callable[[], float]) -> bool:
    """Whether work is done within so many seconds, which may become fewer meanwhile."""
    began = time.monotonic()
    while not wait([work], POLL_S).done:
        if time.monotonic() - began >= limit_s():
            return False
    return True


def in_background(work: Callable[[], T], name: str) -> Future[T]:
    """Do something in a thread that does not keep the process alive."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
