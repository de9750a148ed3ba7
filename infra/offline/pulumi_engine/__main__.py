"""Run the command: `python -m infra.offline.pulumi_engine up`."""

import sys

from infra.offline.pulumi_engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
