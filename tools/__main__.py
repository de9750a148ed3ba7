"""`make tools`: install what is missing, and say first what that is."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one may well be what `python3` is
    sys.exit(
        "Switchboard needs Python 3.11: on Debian or Ubuntu, `apt-get install python3.11`, then try again"
    )

from tools.install import main

if __name__ == "__main__":
    sys.exit(main())
