"""Entry point of the preprocess stage."""

from preprocess.stage import Preprocess
from switchboard_stage import main

main(Preprocess)
