"""Opens stores: S3 (`s3://bucket/key`), and directories (`file:///folder/key`) for tests and laptops."""

from switchboard_stage.errors import UsageError
from switchboard_stage.store import Store


def open_store(uri: str) -> Store:
    """The store that a URI lies in. Raises `UsageError` for a scheme that there is no store for."""
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if scheme == "s3":
        from switchboard_stage.store_s3 import S3Store  # boto3 takes 0.3 s to import: only where needed

        return S3Store.from_environment()
    if scheme == "file":
        from switchboard_stage.store_directory import DirectoryStore

        return DirectoryStore()
    raise UsageError("URI", uri, "use s3://bucket/key or file:///folder/key")


class Stores:
    """Each store opened once, when the first URI in it is asked for."""

    def __init__(self) -> None:
        self._by_scheme: dict[str, Store] = {}

    def __call__(self, uri: str) -> Store:
        """The store that a URI lies in."""
        scheme = uri.partition("://")[0]
        if scheme not in self._by_scheme:
            self._by_scheme[scheme] = open_store(uri)
        return self._by_scheme[scheme]
