"""What is seen to while Java starts: the first executor."""

from __future__ import annotations

import time

from switchboard_spark import verdicts
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError, Object
from switchboard_spark.verdicts import Judgement

TRIES, PAUSE_S = 4, 2.0
"""For an API server that does not answer at once."""


class RefusedError(Exception):
    """The cluster takes no executors of this task."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.verdict.reason)
        self.judgement = judgement


def make_executor(api: Api, executor: Object) -> None:
    """Make the first executor. Quotas, priority classes and policies refuse it at once; Spark would ask again
    and again, and say so only in its log. Raises RefusedError.
    """
    for left in reversed(range(TRIES)):
        try:
            api.create(executor)
        except ApiError as error:
            raise RefusedError(verdicts.refusal(error.status, str(error))) from None
        except ApiUnreachableError as error:
            if not left:
                raise RefusedError(verdicts.unreachable(str(error))) from None
            time.sleep(PAUSE_S)
        else:
            return
