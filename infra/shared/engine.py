"""Container engines: how each is called."""

import os
from pathlib import Path

CONTAINERS_CONF = Path(__file__).with_name("containers.conf")
ENGINE_ENV = {"CONTAINERS_CONF": os.environ.get("CONTAINERS_CONF", str(CONTAINERS_CONF))}
"""Added to the environment of every call of podman, and of what calls it (kind)."""
