"""What is seen to while Java starts: the first executor."""

from __future__ import annotations

import logging
import threading
import time

from switchboard_spark import verdicts
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError, Object
from switchboard_spark.model import EXIT_INFRASTRUCTURE
from switchboard_spark.verdicts import Judgement

log = logging.getLogger("switchboard.spark")

PATIENCE_S, PAUSE_S = 30.0, 2.0
"""How long it is asked again, and how often, where that can help: an API server that does not answer or has
too much to do, a quota that others use up.
"""


class RefusedError(Exception):
    """The cluster takes no executors of this task."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.verdict.reason)
        self.judgement = judgement


def make_executor(api: Api, executor: Object, over: threading.Event | None = None) -> None:
    """Make the first executor. Quotas, priority classes and policies refuse it at once; Spark would ask again
    and again, and say so only in its log. Once it is `over`, no more tries are made. Raises RefusedError.
    """
    over, last, told = over or threading.Event(), time.monotonic() + PATIENCE_S, False
    while True:
        try:
            api.create(executor)
        except (ApiError, ApiUnreachableError) as error:
            judgement = _judged(error)
        else:
            return
        if judgement.exit_code != EXIT_INFRASTRUCTURE or time.monotonic() + PAUSE_S > last:
            raise RefusedError(judgement)
        if not told:
            log.warning("the first executor is tried again: %s", judgement.verdict.reason)
        told = True
        if over.wait(PAUSE_S):
            raise RefusedError(judgement)


def _judged(error: ApiError | ApiUnreachableError) -> Judgement:
    if isinstance(error, ApiError):
        return verdicts.refusal(error.status, str(error))
    return verdicts.unreachable(str(error))
