"""What a generated call is: its words before it is spoken, and its reference afterwards. Times are seconds
from the call's start.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

Speaker = Literal["agent", "customer"]


class Model(BaseModel):
    """Frozen, and closed to unknown keys: a reference file with a typo in it does not load."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entity(StrEnum):
    """Kinds of personal data, named as the redaction stage names them."""

    PERSON = "PERSON"
    PHONE_NUMBER = "PHONE_NUMBER"
    CARD_NUMBER = "CARD_NUMBER"
    ACCOUNT_NUMBER = "ACCOUNT_NUMBER"
    US_SSN = "US_SSN"
    EMAIL = "EMAIL"
    ADDRESS = "ADDRESS"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"


class PiiSpan(Model):
    """Personal data in one turn: words `words_from` up to, not including, `words_to`. `value` is its written
    form.
    """

    entity: Entity
    words_from: int
    words_to: int
    value: str


class Turn(Model):
    """One speaker's turn. `text` has the punctuation that shapes the speech; `words` are what is heard, in
    lower case.
    """

    speaker: Speaker
    text: str
    words: tuple[str, ...]
    pii: tuple[PiiSpan, ...] = ()


class Dialogue(Model):
    """A call as a script. The same seed and options give the same dialogue."""

    call_id: str
    seed: int
    intents: tuple[str, ...]
    language: str = "en"
    turns: tuple[Turn, ...]

    def words(self) -> list[str]:
        """All words of the call in the order in which the turns begin."""
        return [word for turn in self.turns for word in turn.words]


class WordTime(Model):
    """A spoken word. Its turn's limits are exact; inside a turn, time is shared out by the words' sounds."""

    text: str
    start_s: float
    end_s: float


class SpokenPii(Model):
    """Where a piece of personal data lies in the recording: turn, words in that turn, seconds."""

    entity: Entity
    value: str
    turn: int
    words_from: int
    words_to: int
    speaker: Speaker
    start_s: float
    end_s: float


class SpokenTurn(Model):
    """A turn in the recording. `speech` are its stretches without the pauses that the voice makes at
    punctuation.
    """

    speaker: Speaker
    channel: int
    start_s: float
    end_s: float
    text: str
    words: tuple[WordTime, ...]
    speech: tuple[tuple[float, float], ...]


class Reference(Model):
    """Everything that is true of a recording; lies beside it as `<call_id>.reference.json`."""

    call_id: str
    seed: int
    intents: tuple[str, ...]
    language: str
    voices: dict[Speaker, str]
    file: str
    format: str
    sample_rate_hz: int
    channels: int
    duration_s: float
    turns: tuple[SpokenTurn, ...]
    pii: tuple[SpokenPii, ...]
