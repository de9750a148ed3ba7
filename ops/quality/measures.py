"""The measures: pure functions from what is true and what was found to numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import jiwer
import spyder  # type: ignore[import-untyped]

COLLAR_S = 0.25
"""Not scored on either side of a speaker change, as in the NIST evaluations: nobody marks it more exactly."""

HESITATIONS = frozenset({"um", "uh"})
"""Inside a number or a name, these need not be taken out."""

Intervals = dict[str, list[tuple[str, float, float]]]
"""Call -> turns, as (speaker, start_s, end_s)."""

UNHEARD = re.compile(r"[^a-z0-9' ]+")


@dataclass(frozen=True)
class Item:
    """A piece of personal data. `places` are the numbers of its words; hesitations are not among them."""

    entity: str
    value: str
    places: frozenset[int]


@dataclass(frozen=True)
class Found:
    """A redaction: the kind that it was taken for, and the numbers of the words that it covers."""

    entity: str
    places: frozenset[int]


@dataclass
class Tally:
    """How many of how many."""

    good: int = 0
    total: int = 0

    def add(self, good: bool) -> None:
        """Count one more."""
        self.good += good
        self.total += 1

    @property
    def share(self) -> float:
        """Between 0 and 1; 1 where there was nothing to count."""
        return self.good / self.total if self.total else 1.0


@dataclass
class RedactionScore:
    """Recall by pieces of personal data (all words covered), precision by redactions (one word is personal
    data).
    """

    recall: Tally = field(default_factory=Tally)
    precision: Tally = field(default_factory=Tally)
    right_kind: Tally = field(default_factory=Tally)
    word_precision: Tally = field(default_factory=Tally)
    by_entity: dict[str, Tally] = field(default_factory=dict)
    by_found: dict[str, Tally] = field(default_factory=dict)

    def add(self, items: Sequence[Item], found: Sequence[Found]) -> tuple[list[Item], list[Found]]:
        """Score one call; answers the pieces that were missed and the redactions that cover none."""
        covered = frozenset().union(*(f.places for f in found))
        personal = frozenset().union(*(i.places for i in items))
        missed, wrong = [], []
        for item in items:
            hit = item.places <= covered
            self.recall.add(hit)
            self.by_entity.setdefault(item.entity, Tally()).add(hit)
            if hit:
                self.right_kind.add(any(f.entity == item.entity and f.places & item.places for f in found))
            else:
                missed.append(item)
        for redaction in found:
            right = bool(redaction.places & personal)
            self.precision.add(right)
            self.by_found.setdefault(redaction.entity, Tally()).add(right)
            if not right:
                wrong.append(redaction)
        self.word_precision.good += len(covered & personal)
        self.word_precision.total += len(covered)
        return missed, wrong


def normalise(words: Iterable[str]) -> str:
    """Words as they are compared: lower case, no punctuation, hyphens are spaces."""
    return " ".join(UNHEARD.sub(" ", " ".join(words).lower().replace("-", " ")).split())


def word_errors(reference: Iterable[str], recognised: Iterable[str]) -> tuple[int, int]:
    """Substitutions, deletions and insertions together, and the number of reference words."""
    out = jiwer.process_words(normalise(reference), normalise(recognised))
    return out.substitutions + out.deletions + out.insertions, out.hits + out.substitutions + out.deletions


def heard_right(said: Sequence[str], heard: Sequence[str]) -> dict[int, int]:
    """Which words were recognised, by jiwer: number of a word said -> number of the same word heard."""
    if not said or not heard:
        return {}
    whole = [[UNHEARD.sub("", word.lower()) or "-" for word in words] for words in (said, heard)]
    out = jiwer.process_words(" ".join(whole[0]), " ".join(whole[1]))
    return {
        chunk.ref_start_idx + i: chunk.hyp_start_idx + i
        for chunk in out.alignments[0]
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
    }


def diarization_error(reference: Intervals, found: Intervals, collar_s: float = COLLAR_S) -> float:
    """Diarization error rate over calls: missed, false and confused speech over all speech.

    Speakers are mapped at their best, overlaps scored, `collar_s` on either side of each change left out.
    """
    whole = {call: found.get(call, []) for call in reference}
    return float(spyder.DER(reference, whole, collar=collar_s)["Overall"].der)
