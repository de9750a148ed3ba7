"""`unite.py SOURCE... TARGET`: put the packages of several site-packages folders into one, as they are.

A package that the target has in the same version is left alone. Two versions of one package end it: an image
cannot do what two images do, if they do not agree on what they stand on.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path


class VersionsError(Exception):
    """Images do not agree on the version of a package."""


def unite(sources: list[Path], target: Path) -> list[str]:
    """Copy what the target lacks; gives the names of the packages. Raises VersionsError."""
    there = {each.name: each.version for each in distributions(path=[str(target)])}
    copied: list[str] = []
    for source in sources:
        for package in distributions(path=[str(source)]):
            version = there.setdefault(package.name, package.version)
            if version != package.version:
                raise VersionsError(
                    f"{source.name} has {package.name} {package.version}, others have {version}: "
                    "lock the requirements of both anew (`make lock`)"
                )
            if not (target / info_folder(package)).exists():
                copied.append(package.name)
                copy(package, source, target)
    return sorted(copied)


def copy(package: Distribution, source: Path, target: Path) -> None:
    """Copy the files of a package, with their times, which byte code goes by. Scripts stay behind."""
    for name in files(package):
        for path in (source / name, *compiled(source / name)):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def files(package: Distribution) -> Iterator[str]:
    """Its files below site-packages."""
    return (str(file) for file in package.files or [] if file.parts[0] != "..")


def compiled(path: Path) -> Iterator[Path]:
    """The byte code of a module, where there is some."""
    return (
        (path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc") if path.suffix == ".py" else iter(())
    )


def info_folder(package: Distribution) -> str:
    """The folder of a package's metadata; a target that has it has the package."""
    (folder,) = {file.parts[0] for file in package.files or [] if file.parts[0].endswith(".dist-info")}
    return folder


if __name__ == "__main__":
    *given, last = (Path(argument) for argument in sys.argv[1:])
    sys.stdout.write(f"{', '.join(unite(given, last))}\n")
