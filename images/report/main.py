"""Entry point of the report image."""

import sys

from report.cli import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
