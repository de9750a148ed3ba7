"""Takes personal data out of transcripts.

from redaction import redact

redacted = redact(words)   # words: a sequence of switchboard_stage.models.Word, in the order of time
"""

from redaction.engine import Redactor, redact

__all__ = ["Redactor", "redact"]
