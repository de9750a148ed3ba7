"""Where Switchboard keeps what belongs to this machine: state that must last, and a cache that may go."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).resolve().parents[2]
"""The checkout's root."""


@dataclass(frozen=True)
class Paths:
    """Every path outside the checkout. `home` and `cache` follow SWITCHBOARD_HOME and SWITCHBOARD_CACHE."""

    env: str
    home: Path
    cache: Path

    @classmethod
    def of(cls, env: str = "local") -> Self:
        """The paths of an environment. Creates nothing."""
        home = os.environ.get("SWITCHBOARD_HOME") or Path.home() / ".local/share/switchboard"
        cache = os.environ.get("SWITCHBOARD_CACHE") or Path.home() / ".cache/switchboard"
        return cls(env=env, home=Path(home).absolute(), cache=Path(cache).absolute())

    @property
    def state(self) -> Path:
        """All that must outlive a command, for this environment."""
        return self.home / self.env

    @property
    def pulumi(self) -> Path:
        """The Pulumi state backend's folder."""
        return self.state / "pulumi"

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase that encrypts the stacks' secrets; mode 0600."""
        return self.state / "passphrase"

    @property
    def kubeconfig(self) -> Path:
        """The local cluster's kubeconfig; mode 0600."""
        return self.state / "kubeconfig"

    @property
    def certs(self) -> Path:
        """What tells the local cluster's nodes where the registry is."""
        return self.state / "certs.d"

    @property
    def engine(self) -> Path:
        """The file that says which container engine runs the local cluster."""
        return self.state / "engine"

    @property
    def images_lock(self) -> Path:
        """Which image, by digest in this environment's registry, each name stands for."""
        return self.state / "images.lock.json"

    @property
    def registry(self) -> Path:
        """The local registries' blobs. They are named by what is in them, so all environments share them, and
        what one of them has pushed no other pushes again.
        """
        return self.cache / "registry"

    @property
    def s3(self) -> Path:
        """The local object store's objects."""
        return self.state / "s3"

    @property
    def tools(self) -> Path:
        """All that `make tools` made."""
        return self.cache / "tools"

    @property
    def tools_bin(self) -> Path:
        """Programs that `make tools` built."""
        return self.tools / "bin"

    @property
    def venv(self) -> Path:
        """The development virtual environment, in the checkout."""
        return REPOSITORY / ".venv"
