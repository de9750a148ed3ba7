"""The call that says that something new was published."""

import argparse
import logging
import threading
import time
import urllib.error
import urllib.request

log = logging.getLogger("git-sync")


class Webhook:
    """Calls --webhook-url with the published commit, again until it succeeds; a newer commit takes over."""

    def __init__(self, settings: argparse.Namespace) -> None:
        self._settings = settings
        self._waiting: str | None = None
        self._wake = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, commit: str) -> None:
        """Call as soon as can be; returns at once."""
        self._waiting = commit
        self._wake.set()

    def flush(self) -> None:
        """Wait until the last call has succeeded."""
        while self._waiting is not None:
            time.sleep(0.05)

    def _run(self) -> None:
        while self._wake.wait():
            self._wake.clear()
            while (commit := self._waiting) is not None:
                if not self._call(commit):
                    time.sleep(self._settings.webhook_backoff)
                elif self._waiting == commit:
                    self._waiting = None

    def _call(self, commit: str) -> bool:
        wanted: int = self._settings.webhook_success_status
        request = urllib.request.Request(  # noqa: S310 - whoever deploys it chooses the address
            self._settings.webhook_url, method=self._settings.webhook_method, headers={"Gitsync-Hash": commit}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._settings.webhook_timeout) as answer:  # noqa: S310
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError as error:
            log.error("webhook %s: %s", self._settings.webhook_url, error)
            return wanted == 0
        if wanted not in (0, status):
            log.error("webhook %s: status %s, not %s", self._settings.webhook_url, status, wanted)
            return False
        return True
