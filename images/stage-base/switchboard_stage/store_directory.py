"""A directory as an object store: `file:///folder/key`."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from switchboard_stage.errors import ObjectNotFoundError, StoreError
from switchboard_stage.store import COPY_BYTES, ObjectInfo


def path_of(uri: str) -> Path:
    """The file that a `file://` URI names."""
    return Path(unquote(urlsplit(uri).path))


class DirectoryStore:
    """For tests and laptops. A write becomes visible whole, by a rename."""

    def head(self, uri: str) -> ObjectInfo | None:
        """What is known of an object; None where there is none."""
        path = path_of(uri)
        return _info(uri, path) if path.is_file() else None

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The object as a stream to read from."""
        try:
            return path_of(uri).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise ObjectNotFoundError(uri) from None
        except OSError as error:
            raise StoreError(uri, "read", str(error)) from error

    def get(self, uri: str) -> bytes:
        """A small object."""
        with self.open(uri) as stream:
            return stream.read()

    def put(self, uri: str, data: bytes) -> None:
        """Write a small object; whole or not at all."""
        with _Replacing(uri) as target:
            target.write(data)

    def upload(self, path: Path, uri: str) -> None:
        """Write an object from a file, streaming; whole or not at all."""
        with _Replacing(uri) as target, path.open("rb") as source:
            shutil.copyfileobj(source, target, COPY_BYTES)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects whose URI starts with `prefix`, in the order of their keys."""
        start = str(path_of(prefix)) + ("/" if prefix.endswith("/") else "")
        for path in sorted(Path(start).parent.rglob("*") if start[-1] != "/" else Path(start).rglob("*")):
            if path.is_file() and str(path).startswith(start):
                yield _info(path.as_uri(), path)

    def delete(self, uri: str) -> None:
        """Remove an object; nothing happens where there is none."""
        path_of(uri).unlink(missing_ok=True)


class _Replacing(AbstractContextManager[BinaryIO]):
    """A file beside the target that takes its place when it was written to the end."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._target = path_of(uri)

    def __enter__(self) -> BinaryIO:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._target.parent, prefix=".")
        except OSError as error:
            raise StoreError(self._uri, "write", str(error)) from error
        self._temporary = Path(name)
        self._stream = os.fdopen(handle, "wb")
        return self._stream

    def __exit__(self, kind: object, *_: object) -> None:
        self._stream.close()
        if kind is None:
            self._temporary.replace(self._target)
        else:
            self._temporary.unlink()


def _info(uri: str, path: Path) -> ObjectInfo:
    with path.open("rb") as stream:
        return ObjectInfo(uri, hashlib.file_digest(stream, "md5").hexdigest(), path.stat().st_size)
