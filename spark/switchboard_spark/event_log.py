"""The event log's folder, without which Spark does not start. The history server makes it when it starts; a
driver makes it where Spark misses it. To look first would take a third of a second of each start.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

log = logging.getLogger("switchboard.spark")


def is_missing(uri: str, error: Exception) -> bool:
    """Whether Spark did not start for want of this folder."""
    return bool(uri) and f"java.io.FileNotFoundException: No such file or directory: {uri}" in str(error)


def make_folder(uri: str) -> None:
    """Make it. A store that does not take it is for Spark to complain of."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    place = urlsplit(uri)
    try:
        boto3.client("s3").put_object(Bucket=place.netloc, Key=f"{place.path.strip('/')}/", Body=b"")
    except (BotoCoreError, ClientError) as error:
        log.warning("%s cannot be made: %s", uri, error)
