"""The flags: the official image's names, types and defaults."""

import argparse
import re
import signal
from collections.abc import Mapping
from typing import Any

import git_sync

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Seconds in a Go duration such as `1m30s` or `500ms`. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if text != "0" and (not parts or "".join(map("".join, parts)) != text):
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def boolean(text: str) -> bool:
    """What Go's flags take for true and false. Raises ValueError."""
    if text.lower() not in ("1", "t", "true", "0", "f", "false"):
        raise ValueError(text)
    return text.lower() in ("1", "t", "true")


def signal_number(text: str) -> int:
    """A signal by number, name (`SIGHUP`) or short name (`HUP`). Raises ValueError."""
    if text.isdigit():
        return int(text)
    try:
        return signal.Signals["SIG" + text.removeprefix("SIG")]
    except KeyError as error:
        raise ValueError(text) from error


FLAGS = (
    ("repo", str, "", "the git repository to sync (required)"),
    ("ref", str, "HEAD", "the branch, tag or commit to sync"),
    ("depth", int, "1", "how many commits of history to fetch; 0 means all"),
    ("root", str, "", "the directory for all that it does (required)"),
    ("link", str, "", "the symlink to publish, under --root or absolute (default: --repo's last part)"),
    ("period", duration, "10s", "how long to wait between syncs"),
    ("sync-timeout", duration, "120s", "the time allowed for one sync"),
    ("one-time", boolean, "false", "exit after the first sync"),
    ("max-failures", int, "0", "consecutive failures allowed before giving up; -1 retries for ever"),
    ("sync-on-signal", signal_number, "", "sync at once on this signal"),
    ("touch-file", str, "", "a file to touch when something new was published, under --root or absolute"),
    ("stale-worktree-timeout", duration, "0", "how long to keep what was published before"),
    ("username", str, "", "the user name for the repository"),
    ("password-file", str, "", "the file with the password; read again for every sync"),
    ("webhook-url", str, "", "called when something new was published"),
    ("webhook-method", str, "POST", "the HTTP method of that call"),
    ("webhook-success-status", int, "200", "the status that says it succeeded; 0 takes any"),
    ("webhook-timeout", duration, "1s", "the time allowed for that call"),
    ("webhook-backoff", duration, "3s", "how long to wait before calling again"),
    ("http-bind", str, "", "address and port of the HTTP endpoint, such as :1234"),
    ("http-metrics", boolean, "false", "serve /metrics there"),
    ("verbose", int, "0", "log more"),
)  # fmt: skip
"""Name, type, default, meaning. Each is also an environment variable, GITSYNC_ and the name in capitals."""


def parse(arguments: list[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """Settings from flags, or else from GITSYNC_ variables. Exits with a message for what is wrong."""
    parser = argparse.ArgumentParser(prog="git-sync", description=git_sync.__doc__, allow_abbrev=False)
    for name, kind, default, meaning in FLAGS:
        variable = "GITSYNC_" + name.upper().replace("-", "_")
        value = environ.get(variable) or default or None
        extra: dict[str, Any] = {"nargs": "?", "const": True} if kind is boolean else {}
        parser.add_argument(f"--{name}", type=kind, default=value, help=f"{meaning} [${variable}]", **extra)
    given = parser.parse_args(arguments)
    given.password = environ.get("GITSYNC_PASSWORD", "")
    for name in ("repo", "root"):
        if not getattr(given, name):
            parser.error(f"required flag: --{name} must be specified")
    if given.username and bool(given.password) == bool(given.password_file):
        parser.error("--username: one of $GITSYNC_PASSWORD and --password-file must be specified with it")
    if given.http_metrics and not given.http_bind:
        parser.error("--http-metrics: --http-bind must be specified with it")
    return given
