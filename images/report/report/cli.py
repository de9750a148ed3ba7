"""Command line of the report.

Exit codes: 0 the run counts as a success; 65 too many calls failed; 2 started wrongly; 75 the object store
failed, try again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from report.collect import summarise
from report.table import to_text
from switchboard_stage.errors import StoreError, UsageError
from switchboard_stage.layout import join
from switchboard_stage.store import Store
from switchboard_stage.stores import Stores

FAILED, USAGE, TRY_AGAIN = 65, 2, 75


def run(argv: Sequence[str], stores: Callable[[str], Store] | None = None) -> int:
    """Print the account of a run, write its `summary.json`, and answer the exit code."""
    parser = argparse.ArgumentParser(prog="report", description="The account of a run.")
    parser.add_argument("--run", required=True, metavar="URI", help="the run's folder")
    parser.add_argument("--max-failure-share", type=_share, default=0.5, metavar="SHARE", help="0 to 1")
    given = parser.parse_args(argv)
    store = stores or Stores()
    try:
        summary = summarise(store, given.run, given.max_failure_share)
        uri = join(given.run, "summary.json")
        store(uri).put(uri, summary.model_dump_json(indent=1).encode())
    except UsageError as error:
        print(f"ERROR: report: {error}")
        return USAGE
    except StoreError as error:
        print(f"ERROR: report: {error}; try again")
        return TRY_AGAIN
    print(to_text(summary))
    return 0 if summary.succeeded else FAILED


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: give a share from 0 to 1")
    return share
