"""Which engine runs our Pulumi programs: the real one where it can be had, or our stand-in."""

import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from infra.shared.paths import REPOSITORY, Paths

FORCE = "SWITCHBOARD_PULUMI"
"""`real` or `standin` in this environment variable settles it."""

REPLACED = ("pulumi", "pulumi-language-python")
"""The programs that the stand-in does without."""

_LAUNCHER = """\
#!{python}
import sys
sys.path.insert(0, {repository!r})
from infra.offline.pulumi_engine.cli import main
sys.exit(main())
"""


def ensure_engine(env: str = "local", say: Callable[[str], None] = print) -> Path:
    """The folder to put first on PATH for `pulumi`: with the stand-in, or with nothing in it.

    Says in one line which engine that means. The stand-in is used where `make tools` was refused the sources
    of the real one, and none is on PATH. Raises ValueError if $SWITCHBOARD_PULUMI is no word that it knows.
    """
    paths = Paths.of(env)
    why = stand_in_because(paths)
    place = paths.cache / "tools/engine" / ("standin" if why else "real")
    place.mkdir(parents=True, exist_ok=True)
    if why:
        write_launcher(place / "pulumi", _LAUNCHER)
        say(f"Pulumi's engine: the stand-in for {version('pulumi')} ({why})")
    else:
        say("Pulumi's engine: the real one")
    return place


def stand_in_because(paths: Paths) -> str | None:
    """Why the stand-in is used; None where the real one is."""
    forced = os.environ.get(FORCE, "")
    if forced not in {"", "real", "standin"}:
        raise ValueError(f"{FORCE}={forced!r}: say `real` or `standin`, or leave it out")
    if forced:
        return f"{FORCE} says so" if forced == "standin" else None
    if shutil.which("pulumi", path=os.pathsep.join([str(paths.tools_bin), own_path(paths)])):
        return None
    refused = paths.cache / "tools/stamps/refused/pulumi"
    return "the real one cannot be had here" if refused.exists() else None


def own_path(paths: Paths) -> str:
    """PATH without the stand-in, which a shell may have been given to use `pulumi` itself."""
    ours = paths.cache / "tools/engine/standin"
    return os.pathsep.join(
        part for part in os.environ.get("PATH", "").split(os.pathsep) if part and Path(part) != ours
    )


def write_launcher(path: Path, template: str) -> None:
    """Have a script that starts something of this checkout, with this Python."""
    text = template.format(python=sys.executable, repository=str(REPOSITORY))
    if path.exists() and path.read_text() == text:
        return
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(path)  # an update under way may be starting the old one
