"""Entry point of the speech recognition stage."""

from asr.stage import Asr
from switchboard_stage import main

main(Asr)
