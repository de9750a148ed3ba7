"""What is left of a Pulumi that was killed: its plugins go on without it, and never end."""

from collections.abc import Iterator
from contextlib import suppress

import psutil

END_WITHIN_S = 5


def is_pulumi(pid: int) -> bool:
    """Whether a process is a Pulumi that runs. One that was killed may stay as a zombie for a while."""
    try:
        process = psutil.Process(pid)
        return "pulumi" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_plugins(variable: str, value: str) -> None:
    """End the plugins that a killed run started, and what they started. A variable of theirs tells them.

    What they made half is taken up by the next run.
    """
    found = list(_plugins(variable, value))
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=END_WITHIN_S)


def _plugins(variable: str, value: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) != value:
                continue
            # The rest of what has the variable are monitors of containers, which are to stay.
            if any("pulumi-language" in word or "pulumi-resource" in word for word in process.cmdline()):
                yield from process.children(recursive=True)
                yield process
