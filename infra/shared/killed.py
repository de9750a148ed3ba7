"""What was killed: whether it still runs, and the plugins of a Pulumi, which go on without it."""

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

END_WITHIN_S = 5


def runs(pid: int, program: str) -> bool:
    """Whether a process is that program and runs. One that was killed may stay as a zombie for a while."""
    try:
        process = psutil.Process(pid)
        return program in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_pulumi(pid: int) -> bool:
    """Whether a process is a Pulumi that runs."""
    return runs(pid, "pulumi")


def ends_soon(pid: int) -> bool:
    """Whether a Pulumi has ended, or does within a moment: one that was killed takes a while to be gone."""
    deadline = time.monotonic() + END_WITHIN_S
    while is_pulumi(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


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
