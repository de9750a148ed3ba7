"""Entry point of the redaction image."""

from redaction.stage import Redact
from switchboard_stage import main

if __name__ == "__main__":
    main(Redact)
