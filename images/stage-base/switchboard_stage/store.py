"""What every object store can do; `stores` opens them.

Nothing here holds a whole object in memory but `get` and `put`, which are for small JSON files.
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

COPY_BYTES = 1 << 20
"""Piece in which objects are copied to and from disk."""


class ObjectInfo(NamedTuple):
    """What a store knows of an object without reading it."""

    uri: str
    etag: str
    size_bytes: int


class Store(Protocol):
    """Any object store. Methods raise `ObjectNotFoundError` or `StoreError`."""

    def head(self, uri: str) -> ObjectInfo | None:
        """What is known of an object; None where there is none."""

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The object as a stream to read from."""

    def get(self, uri: str) -> bytes:
        """A small object."""

    def put(self, uri: str, data: bytes) -> None:
        """Write a small object; whole or not at all."""

    def upload(self, path: Path, uri: str) -> None:
        """Write an object from a file, streaming; whole or not at all."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects whose URI starts with `prefix`, in the order of their keys."""

    def delete(self, uri: str) -> None:
        """Remove an object; nothing happens where there is none."""


def download(store: Store, uri: str, path: Path) -> None:
    """Copy an object into a file, piece by piece."""
    with store.open(uri) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, COPY_BYTES)
