"""Turns from labelled stretches of speech; pure functions."""

from collections.abc import Iterable, Sequence

from switchboard_stage.models import Span, Turn

JOIN_S = 0.3
"""A shorter pause does not end a speaker's turn."""
LEAST_S = 0.15
"""Shorter turns are clicks."""


def by_channel(speech: Iterable[Span]) -> tuple[Turn, ...]:
    """Each channel is one speaker."""
    return joined(
        Turn(speaker=f"speaker-{s.channel}", channel=s.channel, start_s=s.start_s, end_s=s.end_s)
        for s in speech
    )


def by_frames(
    spans: Sequence[Span], times: Sequence[float], labels: Sequence[int], step_s: float
) -> tuple[Turn, ...]:
    """Spans cut where the label of their frames changes.

    `times` are the frames' starts in order, each `step_s` long; a span without a frame takes the label of the
    nearest. Speakers
    are numbered in the order in which they first speak.
    """
    turns: list[Turn] = []
    names: dict[int, int] = {}
    at = 0
    for span in spans:
        while at < len(times) and times[at] + step_s <= span.start_s:
            at += 1
        first = at
        while at < len(times) and times[at] < span.end_s:
            at += 1
        inside = list(zip(times[first:at], labels[first:at], strict=True))
        if not inside:
            inside = [(span.start_s, labels[min(first, len(labels) - 1)])]
        start = span.start_s
        for index, (_, label) in enumerate(inside):
            last = index + 1 == len(inside)
            if last or inside[index + 1][1] != label:
                end = span.end_s if last else inside[index + 1][0]
                speaker = f"speaker-{names.setdefault(label, len(names))}"
                turns.append(
                    Turn(speaker=speaker, channel=span.channel, start_s=round(start, 3), end_s=round(end, 3))
                )
                start = end
    return joined(turns)


def joined(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """In the order of time; a speaker's turns joined over short pauses in which nobody else speaks."""
    ordered = sorted(turns, key=lambda t: (t.start_s, t.channel))
    out: list[Turn] = []
    latest: dict[str, int] = {}
    for turn in ordered:
        place = latest.get(turn.speaker)
        if (
            place is not None
            and turn.start_s - out[place].end_s < JOIN_S
            and _nobody_between(out, place, turn)
        ):
            out[place] = out[place].model_copy(update={"end_s": max(turn.end_s, out[place].end_s)})
            continue
        latest[turn.speaker] = len(out)
        out.append(turn)
    return tuple(turn for turn in out if turn.end_s - turn.start_s >= LEAST_S)


def _nobody_between(out: list[Turn], place: int, turn: Turn) -> bool:
    gap = out[place].end_s, turn.start_s
    return not any(o.start_s < gap[1] and o.end_s > gap[0] for o in out[place + 1 :])
