"""Which plugin serves `pulumi_kubernetes` programs: the real one where it can be had, or our stand-in."""

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from infra.offline.engine import ensure_engine, own_path, write_launcher
from infra.shared.command import CommandError, run
from infra.shared.paths import Paths

FORCE = "SWITCHBOARD_KUBERNETES_PLUGIN"
"""`real` or `standin` in this environment variable settles it."""

INSTALL_TIMEOUT_S = 120.0
"""The real plugin is an archive of some 40 MB; where there is no way to it, the attempt ends in seconds."""

_LAUNCHER = """\
#!{python}
import sys
sys.path.insert(0, {repository!r})
from infra.offline.kubernetes_provider.server import main
main()
"""
_FILE = "pulumi-resource-kubernetes"

Kind = Literal["real", "standin"]


def ensure_kubernetes_plugin(env: str = "local", say: Callable[[str], None] = print) -> Path:
    """The folder to put first on PATH for `pulumi`. Says in one line which plugin that means.

    The download is tried once; that it failed is remembered beside the tools, so that a stack keeps its
    plugin. Raises CommandError if the real one is asked for by $SWITCHBOARD_KUBERNETES_PLUGIN and not had,
    or if there is no `pulumi`; ValueError if the variable says something else than `real` or `standin`.
    """
    folder = Paths.of(env).cache / "tools/plugins"
    wanted = version("pulumi-kubernetes")
    kind, why = _choose(folder / f"kubernetes-{wanted}.standin", wanted, env)
    which = "the real one" if kind == "real" else "the stand-in"
    say(f"Kubernetes plugin for Pulumi: {which}, {wanted} ({why})")
    place = folder / kind
    place.mkdir(parents=True, exist_ok=True)
    if kind == "standin":
        write_launcher(place / _FILE, _LAUNCHER)
    return place


def _choose(memory: Path, wanted: str, env: str) -> tuple[Kind, str]:
    forced = os.environ.get(FORCE, "")
    if forced not in {"", "real", "standin"}:
        raise ValueError(f"{FORCE}={forced!r}: say `real` or `standin`, or leave it out to try the download")
    if forced == "standin":
        return "standin", f"{FORCE} says so"
    if _installed(wanted).exists():
        return "real", "installed"
    if not forced and memory.exists():
        return "standin", f"the real one could not be downloaded; {FORCE}=real tries again"
    try:
        _install(wanted, env)
    except CommandError as error:
        if forced or error.status == 127:  # without a pulumi nothing was tried
            raise
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.touch()
        return "standin", "the real one cannot be downloaded"
    memory.unlink(missing_ok=True)
    return "real", "downloaded"


def _installed(wanted: str) -> Path:
    home = os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"
    return Path(home) / f"plugins/resource-kubernetes-v{wanted}" / _FILE


def _install(wanted: str, env: str) -> None:
    places = (ensure_engine(env, say=lambda _: None), Paths.of(env).tools_bin, own_path(Paths.of(env)))
    run(
        ["pulumi", "plugin", "install", "resource", "kubernetes", wanted],
        env={"PATH": os.pathsep.join(map(str, places)), "PULUMI_SKIP_UPDATE_CHECK": "1"},
        timeout_s=INSTALL_TIMEOUT_S,
    )
