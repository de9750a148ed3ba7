"""What goes wrong in a stage, told apart by what has to happen next.

`StageError`     this call cannot be processed: it is recorded and set aside, the other calls go on.
`StoreError`     the object store did not answer as it should: the process ends with a code other than 0, and
is retried.
`UsageError`     the command line or the environment is wrong: nothing is started.
"""


class StageError(Exception):
    """One call cannot be processed; becomes its error record.

    Parameters
    ----------
    reason
        What is wrong with the call, in words that its owner understands ("not audio: no decoder reads it").
    remedy
        What its owner can do about it.
    """

    def __init__(self, reason: str, *, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class StoreError(Exception):
    """The object store failed; trying again later can help."""

    def __init__(self, uri: str, action: str, cause: str) -> None:
        super().__init__(f"{action} {uri}: {cause}")
        self.uri = uri


class ObjectNotFoundError(StoreError):
    """There is no such object."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri, "read", "there is no such object")


class UpstreamPendingError(Exception):
    """A stage that this one reads has left neither a result nor an error record: another run is at it; try
    again.
    """

    def __init__(self, call_id: str, stages: tuple[str, ...]) -> None:
        super().__init__(f"{call_id}: no result and no error record of {', '.join(stages)} yet")
        self.call_id = call_id


class UsageError(Exception):
    """The stage was started wrongly: names the argument or variable, its value and the remedy."""

    def __init__(self, what: str, value: object, remedy: str) -> None:
        super().__init__(f"{what} = {value!r}: {remedy}")
