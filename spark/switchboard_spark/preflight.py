"""What is seen to while Java starts: the first executor, and the event log's folder."""

from __future__ import annotations

import logging
import time
from urllib.parse import urlsplit

from switchboard_spark import verdicts
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError, Object
from switchboard_spark.verdicts import Judgement

log = logging.getLogger("switchboard.spark")

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


def make_folder(uri: str) -> None:
    """Make the event log's folder, without which Spark does not start. The history server makes it too, where
    there is one and it was first.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    place = urlsplit(uri)
    try:
        boto3.client("s3").put_object(Bucket=place.netloc, Key=f"{place.path.strip('/')}/", Body=b"")
    except (BotoCoreError, ClientError) as error:
        log.warning("%s cannot be made, and Spark will not start if it is not there: %s", uri, error)
