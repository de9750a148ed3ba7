"""Where things lie: in the checkout, and in the cache that outlives it."""

import os
import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The checkout (`root`) and the cache, which SWITCHBOARD_CACHE may move. Creates nothing."""

    root: Path
    cache: Path

    @classmethod
    def here(cls) -> "Layout":
        """Of this checkout and this user."""
        cache = os.environ.get("SWITCHBOARD_CACHE") or Path.home() / ".cache/switchboard"
        return cls(root=Path(__file__).resolve().parents[1], cache=Path(cache).absolute())

    @property
    def tools(self) -> Path:
        """All that `make tools` keeps in the cache."""
        return self.cache / "tools"

    @property
    def bin(self) -> Path:
        """The programs: first on PATH in every recipe."""
        return self.tools / "bin"

    @property
    def logs(self) -> Path:
        """What apt, uv, go and dockerd wrote, one file a step."""
        return self.tools / "logs"

    @property
    def stamps(self) -> Path:
        """One file a build, with the key of what was built."""
        return self.tools / "stamps"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    def requirements(self, name: str) -> Path:
        """The hashed requirements file of that name."""
        return self.root / "requirements" / f"{name}.txt"


def source_roots(root: Path) -> list[Path]:
    """The folders that belong on sys.path, as pyproject.toml lists them for pytest: the one list of them."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    return [(root / entry).resolve() for entry in settings["tool"]["pytest"]["ini_options"]["pythonpath"]]


def target() -> str:
    """Operating system and architecture: what is built for one does not run on another."""
    return f"{platform.system().lower()}/{platform.machine()}"
