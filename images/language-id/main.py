"""Entry point of the language identification stage."""

from language_id.stage import LanguageId
from switchboard_stage import main

main(LanguageId)
