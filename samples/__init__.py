"""Generated contact-centre calls: dialogues, recordings, and references of what is in them. See
docs/samples.md.
"""

from samples.calls import KINDS, SAMPLE_SEED, Kind, make_call, make_calls, make_sample_call
from samples.dialogue import make_dialogue
from samples.models import Dialogue, Entity, PiiSpan, Reference, SpokenPii, SpokenTurn, Turn
from samples.other import BAD_CALLS, make_bad_calls, make_foreign_dialogue
from samples.recording import Layout, Recording, record
from samples.script import intent_names
from samples.voices import Voice, VoiceError

__all__ = [
    "BAD_CALLS",
    "KINDS",
    "SAMPLE_SEED",
    "Dialogue",
    "Entity",
    "Kind",
    "Layout",
    "PiiSpan",
    "Recording",
    "Reference",
    "SpokenPii",
    "SpokenTurn",
    "Turn",
    "Voice",
    "VoiceError",
    "intent_names",
    "make_bad_calls",
    "make_call",
    "make_calls",
    "make_dialogue",
    "make_foreign_dialogue",
    "make_sample_call",
    "record",
]
