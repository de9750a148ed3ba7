"""Go modules that the registry does not hand out, where something of ours stands in for what they hold."""

import os
import re
from pathlib import Path

from tools.gomod import Build
from tools.layout import Layout
from tools.shell import StepError

STAND_INS = {"pulumi": "infra/offline/pulumi_engine", "pulumi-python": "infra/offline/pulumi_engine"}
"""By the build's name."""

_REFUSAL = re.compile(r"\b(403 Forbidden|404 Not Found|410 Gone)\b")
"""An answer that says no. That nobody answers, or that a build fails, is another matter."""


def note(layout: Layout, build: Build, error: StepError) -> str | None:
    """What stands in for a build that failed, if its sources were refused. Remembered for the next time."""
    if build.name not in STAND_INS or not _REFUSAL.search(str(error)):
        return None
    _file(layout, build).parent.mkdir(parents=True, exist_ok=True)
    _file(layout, build).write_text(build.key)
    return f"not available here: {STAND_INS[build.name]} stands in for it"


def settled(layout: Layout, build: Build) -> bool:
    """Whether an earlier run was refused this very version. SWITCHBOARD_PULUMI=real tries again."""
    if os.environ.get("SWITCHBOARD_PULUMI") == "real" or build.name not in STAND_INS:
        return False
    file = _file(layout, build)
    return file.exists() and file.read_text() == build.key


def forget(layout: Layout, build: Build) -> None:
    """It could be had after all."""
    _file(layout, build).unlink(missing_ok=True)


def _file(layout: Layout, build: Build) -> Path:
    return layout.stamps / f"{build.name}.refused"
