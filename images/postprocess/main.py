"""Entry point of the postprocess image."""

from postprocess.stage import Postprocess
from switchboard_stage import main

if __name__ == "__main__":
    main(Postprocess)
