"""Which image each name stands for: the lock file that `make images` writes."""

import json
import re
from pathlib import Path
from typing import Final

REQUIRED: Final = ("airflow", "git-server", "git-sync", "postgres", "spark-base")
"""What the platform itself runs; stages are pinned with the DAGs."""

BY_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")

PLACEHOLDERS: Final = {name: f"{name}@sha256:{'0' * 64}" for name in REQUIRED}
"""For a preview before anything was built."""


class ImagesError(ValueError):
    """The lock file can't be used; the text names file, image, value and remedy."""


def read_images(lock: Path) -> dict[str, str]:
    """The platform's images by digest. Raises ImagesError."""
    try:
        content = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImagesError(f"{lock}: not there; `make images` builds and pins the images") from error
    except ValueError as error:
        raise ImagesError(f"{lock}: no JSON ({error}); `make images` writes it anew") from error
    for name in REQUIRED:
        reference = content.get(name)
        if not isinstance(reference, str) or not BY_DIGEST.fullmatch(reference):
            raise ImagesError(f"{lock}: {name}: {reference!r} is no image by digest; `make images` pins it")
    return {name: content[name] for name in REQUIRED}
