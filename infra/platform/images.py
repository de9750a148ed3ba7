"""Which image each name stands for: the lock file that `make images` writes."""

import json
import re
from pathlib import Path
from typing import Final

REQUIRED: Final = ("airflow", "git-server", "git-sync", "postgres")
"""What the platform itself runs; stages are pinned with the DAGs."""
SPARK: Final = ("spark-base",)
"""What it runs besides where a deployment has Spark."""

BY_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")

PLACEHOLDERS: Final = {name: f"{name}@sha256:{'0' * 64}" for name in (*REQUIRED, *SPARK)}
"""For a preview before anything was built."""


class ImagesError(ValueError):
    """The lock file can't be used; the text names file, image, value and remedy."""


def read_images(lock: Path, *, spark: bool) -> dict[str, str]:
    """The platform's images by digest; `spark`: whether a deployment has it. Raises ImagesError."""
    names = (*REQUIRED, *SPARK) if spark else REQUIRED
    try:
        content = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImagesError(f"{lock}: not there; `make images` builds and pins the images") from error
    except ValueError as error:
        raise ImagesError(f"{lock}: no JSON ({error}); `make images` writes it anew") from error
    for name in names:
        reference = content.get(name)
        if not isinstance(reference, str) or not BY_DIGEST.fullmatch(reference):
            raise ImagesError(f"{lock}: {name}: {reference!r} is no image by digest; `make images` pins it")
    return {name: content[name] for name in names}
