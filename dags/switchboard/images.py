"""Stage images by name: which digest a name stands for is pinned in the lock file of the same DAG commit."""

from __future__ import annotations

import json
import re
from pathlib import Path

LOCK_FILE = Path(__file__).resolve().parents[1] / "images.lock.json"
"""Beside the DAGs, so that one commit of the DAG repository names one set of images."""

PINNED = re.compile(r"^[^\s@]+@sha256:[0-9a-f]{64}$")

REMEDY = "build and pin it with `make images`, then push with `make dags`"


class ImageNotPinnedError(LookupError):
    """A DAG names an image that the lock file does not pin; shown as the DAG's import error."""

    def __init__(self, name: str, lock: Path, known: list[str]) -> None:
        names = ", ".join(known) or "nothing"
        super().__init__(f"image {name!r} is not in {lock.name} (it pins: {names}); {REMEDY}")


class LockFileError(ValueError):
    """The lock file itself cannot be used."""

    def __init__(self, lock: Path, what: str) -> None:
        super().__init__(
            f"{lock.name} beside the DAGs {what}; write it again with `make images`, then `make dags`"
        )


def read_lock(lock: Path = LOCK_FILE) -> dict[str, str]:
    """Every pinned image: name to reference by digest.

    Raises:
        LockFileError: the file is missing, is no JSON object, or pins an image by something else than its
        digest.
    """
    try:
        pins = json.loads(lock.read_text())
    except FileNotFoundError:
        raise LockFileError(lock, "is missing") from None
    except ValueError as error:
        raise LockFileError(lock, f"is not JSON ({error})") from None
    if not isinstance(pins, dict):
        raise LockFileError(lock, "is not an object of image names")
    for name, reference in pins.items():
        if not isinstance(reference, str) or not PINNED.match(reference):
            raise LockFileError(lock, f"pins {name!r} as {reference!r}, which is not <image>@sha256:<digest>")
    return pins


def pinned_image(name: str, lock: Path | None = None) -> str:
    """The reference, by digest, of an image.

    Raises:
        ImageNotPinnedError: the lock file does not have it.
        LockFileError: the lock file cannot be used.
    """
    path = lock or LOCK_FILE
    pins = read_lock(path)
    if name not in pins:
        raise ImageNotPinnedError(name, path, sorted(pins))
    return pins[name]
