"""Entry point of the diarization stage."""

from diarization.stage import Diarization
from switchboard_stage import main

main(Diarization)
