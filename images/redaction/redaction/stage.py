"""The redaction stage: words in, words with tags out."""

from __future__ import annotations

from redaction.engine import default_redactor
from switchboard_stage import CallContext, Params, Stage
from switchboard_stage.models import Words


class Redact(Stage[Params]):
    """Takes personal data out of the recognised words."""

    name = "redaction"
    inputs = ("asr",)
    params_type = Params

    def process(self, call: CallContext) -> None:
        """Write `redacted.json`."""
        words = call.read_model("asr", "words.json", Words).words
        call.write_model("redacted.json", default_redactor().redact(words))
