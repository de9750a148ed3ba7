"""What tests share that run side by side: this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from filelock import FileLock


def machine() -> FileLock:
    """Held while an environment comes up or goes, or is held against what the machine had before."""
    return FileLock(Path(tempfile.gettempdir()) / "switchboard-machine.lock")
