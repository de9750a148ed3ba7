"""The loop: sync, wait, sync again; sooner on a signal, later while it fails."""

import argparse
import logging
import os
import random
import signal
import sys
import threading
import time
from types import FrameType

from git_sync.flags import parse
from git_sync.metrics import Metrics, serve
from git_sync.repository import EmptyRepositoryError, Repository, SyncError
from git_sync.webhook import Webhook

log = logging.getLogger("git-sync")

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0


def retry_delay(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, and spread, so that not all come at once."""
    doubled = FIRST_RETRY_S * 2.0 ** min(failures - 1, 10)
    return min(LONGEST_RETRY_S, doubled) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Loop:
    """One run of the program."""

    def __init__(self, settings: argparse.Namespace) -> None:
        self._settings, self._metrics = settings, Metrics()
        self._repository = Repository(settings, self._metrics)
        self._webhook = Webhook(settings) if settings.webhook_url else None
        self._wake = threading.Event()
        self._failures = 0
        self._said_empty = False

    def run(self) -> int:
        """Go on until --one-time is done or --max-failures is exceeded; gives the exit status."""
        if self._settings.http_bind:
            serve(self._settings.http_bind, self._metrics, self._settings.http_metrics)
        if self._settings.sync_on_signal:
            signal.signal(self._settings.sync_on_signal, self._on_signal)
        self._repository.prepare()
        while True:
            self._wake.clear()
            synced = self._sync()
            if synced and self._settings.one_time:
                if self._webhook:
                    self._webhook.flush()
                return 0
            if self._failures > self._settings.max_failures >= 0:
                log.error("giving up after %d failures in a row; see --max-failures", self._failures)
                return 1
            self._wake.wait(retry_delay(self._failures) if self._failures else self._settings.period)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        log.info("%s: syncing now", signal.Signals(number).name)
        self._wake.set()

    def _sync(self) -> bool:
        started = time.monotonic()
        try:
            new = self._repository.sync()
        except EmptyRepositoryError:
            self._failures = 0
            if not self._said_empty:
                log.info("the repository is empty; waiting for its first commit")
            self._said_empty = True
            return False
        except (SyncError, OSError) as error:
            self._failures += 1
            self._count("error", started)
            log.error("sync failed (%d in a row): %s", self._failures, error)
            return False
        self._failures = 0
        self._count("success" if new else "noop", started)
        if new or not self._metrics.ready:
            self._announce()
        self._metrics.ready = True
        return True

    def _count(self, status: str, started: float) -> None:
        self._metrics.syncs[status] += 1
        self._metrics.seconds[status] += time.monotonic() - started

    def _announce(self) -> None:
        if self._settings.touch_file:
            touched = self._repository.root / self._settings.touch_file
            touched.parent.mkdir(parents=True, exist_ok=True)
            touched.touch()
        if self._webhook:
            self._webhook.send(self._repository.published())


def main() -> int:
    """Run git-sync; gives the exit status."""
    settings = parse(sys.argv[1:], os.environ)
    level = logging.DEBUG if settings.verbose > 0 else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return Loop(settings).run()


if __name__ == "__main__":
    sys.exit(main())
