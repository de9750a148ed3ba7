"""What image folders say, in which order they are built, and their content hashes. No Docker here."""

import hashlib
import io
import tarfile
import tomllib
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from docker.utils.build import exclude_paths
from pydantic import Field, ValidationError

from infra.shared.model import Model

BUILDER = "builder"
"""The image that a Dockerfile with `ARG BUILDER` has as a build stage."""

IGNORED = (
    "**/__pycache__", "**/*.pyc", "**/.pytest_cache", "**/.mypy_cache", "**/.ruff_cache",
    "tests", "README.md", "image.toml",
)  # fmt: skip
"""Never in a build context: what changes without changing the image must not change its hash."""

_MTIME = 1577836800  # 2020-01-01: the same files give the same layers, whenever they were checked out


class ImageError(RuntimeError):
    """An image folder says something that can't be built; the message names file, key, value and remedy."""


class ImageFile(Model):
    """What `image.toml` may say."""

    parent: str | None = None
    context: str = "."
    platform: bool = False
    push: bool = True
    on_request: bool = False
    """Only built where it is named, or where another one needs it."""
    parts: tuple[str, ...] = ()
    args: dict[str, str] = Field(default_factory=dict)


class ImageSpec(Model):
    """One image folder, read."""

    name: str
    folder: Path
    settings: ImageFile
    uses_builder: bool

    @property
    def context(self) -> Path:
        """The folder whose files the build may copy."""
        return (self.folder / self.settings.context).resolve()

    @property
    def dockerfile(self) -> Path:
        """The image folder's own Dockerfile, or else the context's."""
        own = self.folder / "Dockerfile"
        return own if own.exists() else self.context / "Dockerfile"

    @property
    def needs(self) -> tuple[str, ...]:
        """The images that must be there first."""
        named = (self.settings.parent, BUILDER if self.uses_builder else None, *self.settings.parts)
        return tuple(name for name in named if name)

    @staticmethod
    def part_argument(name: str) -> str:
        """The build argument that names the image of a part: `LANGUAGE_ID` for `language-id`."""
        return name.upper().replace("-", "_")

    def files(self) -> dict[str, Path]:
        """The context's files by their path in it, without what IGNORED and a .dockerignore leave out."""
        own = self.context / ".dockerignore"
        lines = own.read_text().splitlines() if own.exists() else []
        patterns = [*IGNORED, *(line.strip() for line in lines if line.strip() and not line.startswith("#"))]
        paths = {path: self.context / path for path in exclude_paths(str(self.context), patterns)}
        files = {path: file for path, file in paths.items() if file.is_symlink() or file.is_file()}
        files.pop(".dockerignore", None)  # it has done its work
        return dict(sorted({**files, "Dockerfile": self.dockerfile}.items()))

    def tarball(self) -> bytes:
        """The build context as a tar archive that depends on names, contents and the executable bit only."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, file in self.files().items():
                archive.add(file, arcname=path, recursive=False, filter=_plain)
        return buffer.getvalue()


class Recipe(Model):
    """An image, fully determined: what is built is what was hashed, whatever happens to the files."""

    spec: ImageSpec
    context: bytes = Field(repr=False)
    hash: str

    @property
    def name(self) -> str:
        """The image's name: its folder's."""
        return self.spec.name

    @property
    def tag(self) -> str:
        """Its name in the local Docker."""
        return f"switchboard/{self.name}:{self.hash}"


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime, info.uid, info.gid, info.uname, info.gname = _MTIME, 0, 0, "", ""
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    return info


def read_specs(root: Path) -> dict[str, ImageSpec]:
    """Every image folder of `root`, by name.

    Raises:
        ImageError: a bad image.toml, a missing Dockerfile, an unknown parent, images in a circle.
    """
    specs = {file.parent.name: _read(file) for file in sorted(root.glob("*/image.toml"))}
    for spec in specs.values():
        for needed in spec.needs:
            if needed not in specs:
                raise ImageError(
                    f"{spec.folder / 'image.toml'}: needs the image {needed!r}, no folder of {root}; "
                    f"there are: {', '.join(specs)}"
                )
    order(specs)
    return specs


def _read(file: Path) -> ImageSpec:
    try:
        settings = ImageFile.model_validate(tomllib.loads(file.read_text()))
    except tomllib.TOMLDecodeError as error:
        raise ImageError(f"{file}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ImageError(f"{file}: {_explain(error)}") from error
    spec = ImageSpec(name=file.parent.name, folder=file.parent, settings=settings, uses_builder=False)
    if not spec.dockerfile.is_file():
        raise ImageError(
            f"{file}: there is no Dockerfile in {spec.folder} nor in its context {spec.context}; "
            "add one, or correct `context`"
        )
    declared = [line.split() for line in spec.dockerfile.read_text().splitlines()]
    return spec.model_copy(update={"uses_builder": ["ARG", "BUILDER"] in declared})


def _explain(error: ValidationError) -> str:
    keys = ", ".join(ImageFile.model_fields)
    parts = [f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors()]
    return f"{'; '.join(parts)} (the keys are: {keys})"


def order(specs: Mapping[str, ImageSpec]) -> list[str]:
    """Names, each after what it needs. Raises ImageError for a cycle."""
    try:
        return list(TopologicalSorter({name: spec.needs for name, spec in specs.items()}).static_order())
    except CycleError as error:
        raise ImageError(
            f"images stand on each other in a circle: {' -> '.join(error.args[1])}; "
            "change one `parent` in image.toml"
        ) from error


def select(specs: Mapping[str, ImageSpec], only: Iterable[str]) -> dict[str, ImageSpec]:
    """The named images and what they need; when none is named, all but those on request.

    Raises ImageError: unknown name.
    """
    wanted: set[str] = set()
    queue = list(only) or [name for name, spec in specs.items() if not spec.settings.on_request]
    while queue:
        name = queue.pop()
        if name not in specs:
            raise ImageError(f"there is no image {name!r}; there are: {', '.join(specs)}")
        if name not in wanted:
            wanted.add(name)
            queue.extend(specs[name].needs)
    return {name: spec for name, spec in specs.items() if name in wanted}


def recipes(specs: Mapping[str, ImageSpec], base: str) -> dict[str, Recipe]:
    """Every image's context and hash, in build order; `base` says what Debian stands below them all."""
    found: dict[str, Recipe] = {}
    for name in order(specs):
        spec = specs[name]
        context = spec.tarball()
        digest = hashlib.sha256(context)
        below = [(needed, found[needed].hash) for needed in spec.needs]
        for part in (base, *below, *sorted(spec.settings.args.items())):
            digest.update(repr(part).encode())
        found[name] = Recipe(spec=spec, context=context, hash=digest.hexdigest()[:16])
    return found
