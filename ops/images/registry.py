"""The image registry: what it has, pushing what it lacks, and the lock file with every image's digest."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
from docker.errors import APIError

from ops.images.engine import Engine
from ops.images.spec import ImageError, Recipe

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json"
)


class Registry:
    """One registry, by the host and port that image names start with."""

    def __init__(self, host: str) -> None:
        self.host = host
        local = host.split(":", maxsplit=1)[0] in ("localhost", "127.0.0.1")
        self._http = httpx.Client(base_url=f"{'http' if local else 'https'}://{host}/v2/", timeout=10)

    def check(self) -> None:
        """Raises ImageError where the registry doesn't answer."""
        try:
            self._http.get("")
        except httpx.HTTPError as error:
            raise ImageError(
                f"the image registry {self.host} doesn't answer ({error}); `make up` starts the local one; "
                "SWITCHBOARD_REGISTRY names another"
            ) from error

    def digest(self, recipe: Recipe) -> str | None:
        """The digest of the image's tag, where the registry has it. Raises ImageError."""
        url = f"{recipe.name}/manifests/{recipe.hash}"
        try:
            answer = self._http.head(url, headers={"Accept": _MANIFESTS})
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise ImageError(f"{self.host}: asked for {recipe.name}:{recipe.hash}: {error}") from error
        return answer.headers["Docker-Content-Digest"]

    def push(self, engine: Engine, recipe: Recipe) -> str:
        """Push an image that was built; gives its digest. Raises ImageError."""
        repository = f"{self.host}/{recipe.name}"
        try:
            engine.client.images.get(recipe.tag).tag(repository, recipe.hash)
            for event in engine.client.images.push(repository, tag=recipe.hash, stream=True, decode=True):
                if "error" in event:
                    raise ImageError(f"{recipe.name}: the push to {self.host} failed: {event['error']}")
        except APIError as error:
            raise ImageError(f"{recipe.name}: the push to {self.host} failed: {error.explanation}") from error
        digest = self.digest(recipe)
        if digest is None:
            raise ImageError(
                f"{recipe.name}: {self.host} took {recipe.hash} and doesn't have it; see the registry's log"
            )
        return digest


def read_lock(path: Path) -> dict[str, str]:
    """Every pinned image, by name. Raises ImageError where there is no lock file yet."""
    try:
        lock: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ImageError(f"{path}: is not there yet; `make images` writes it") from error
    except json.JSONDecodeError as error:
        raise ImageError(f"{path}: is not JSON ({error}); `make images` writes it anew") from error
    return lock


def write_lock(pinned: Mapping[str, str], parts: Mapping[str, Iterable[str]], path: Path) -> dict[str, str]:
    """Put newly pinned images into the lock file; gives all of it. `parts` has every image that there is,
    with those that it is made of: others are dropped, and so is one that is older than its parts.
    """
    try:
        before = read_lock(path)
    except ImageError:
        before = {}
    changed = {name for name, image in pinned.items() if before.get(name) != image}
    stale = {name for name, made_of in parts.items() if changed.intersection(made_of)} - pinned.keys()
    merged = {**before, **pinned}
    lock = {name: merged[name] for name in sorted(merged) if name in parts and name not in stale}
    if lock != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into place: no reader sees half of it.
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(lock, indent=2) + "\n")
        fresh.replace(path)
    return lock
