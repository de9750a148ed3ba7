"""A transcript as text for people and as WebVTT for players (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from switchboard_stage.models import Segment, Transcript

MINIMUM_CUE_S = 0.1
"""WebVTT wants a cue's end after its start."""


def clock(seconds: float) -> str:
    """`hh:mm:ss.mmm` of seconds since the call's start."""
    milliseconds = max(0, round(seconds * 1000))
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


def to_text(transcript: Transcript) -> str:
    """One line a segment: when, who, what."""
    width = max((len(name) for name in transcript.speakers), default=0)
    language = f"language {transcript.language.code} ({transcript.language.confidence:.0%})"
    facts = [clock(transcript.duration_s)[:8], language, f"{len(transcript.redactions)} redactions"]
    head = [f"Call {transcript.call_id}", ", ".join(facts), ""]
    body = [
        f"[{clock(each.start_s)[:8]}] {each.speaker:<{width}}  {each.text}" for each in transcript.segments
    ]
    return "\n".join([*head, *(body or ["(nobody says anything)"])]) + "\n"


def to_webvtt(transcript: Transcript) -> str:
    """One cue a segment, with the speaker as its voice."""
    cues = [f"WEBVTT - {_one_line(transcript.call_id)}"]
    cues += [_cue(number, each) for number, each in enumerate(transcript.segments, start=1)]
    return "\n\n".join(cues) + "\n"


def _cue(number: int, segment: Segment) -> str:
    end = max(segment.end_s, segment.start_s + MINIMUM_CUE_S)
    times = f"{clock(segment.start_s)} --> {clock(end)}"
    return f"{number}\n{times}\n<v {_escaped(segment.speaker)}>{_escaped(segment.text)}</v>"


def _escaped(text: str) -> str:
    """Text in a cue: special characters as entities, and on one line (an empty one would end the cue)."""
    plain = _one_line(text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("-->", "→")
