"""Finds personal data in the words of a call and takes it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from redaction.document import Document
from redaction.recognisers import all_recognisers
from switchboard_stage.models import Redacted, Redaction, Word

PRECEDENCE = (
    *("EMAIL", "ADDRESS", "CARD_NUMBER", "US_SSN", "ACCOUNT_NUMBER", "PHONE_NUMBER", "SECURITY_CODE"),
    *("DATE_OF_BIRTH", "NUMBER", "PERSON"),
)
"""Which kind a word is where findings of equal score overlap."""


class BlankNlpEngine(SpacyNlpEngine):
    """spaCy's tokeniser alone: no language model is needed, and none is fetched."""

    def __init__(self) -> None:
        super().__init__()
        blank = spacy.blank("en")
        blank.max_length = 10_000_000  # characters; a tokeniser needs no bound for its memory
        self.nlp = {"en": blank}  # type: ignore[assignment]  # the base class fills it by downloading


@dataclass(frozen=True)
class Finding:
    """Personal data: positions of its words, which follow one another."""

    words: tuple[int, ...]
    entity: str
    score: float
    recogniser: str


class Redactor:
    """Holds the loaded recognisers; safe to use from several threads."""

    def __init__(self, analyzer: AnalyzerEngine | None = None) -> None:
        self._analyzer = analyzer or make_analyzer()

    def redact(self, words: Sequence[Word]) -> Redacted:
        """The words with one tag like `[CARD_NUMBER]` in place of each piece of personal data.

        The result holds nothing of what it replaced: not the text, not its length in characters.
        """
        findings = self.find(words)
        kept: list[Word] = []
        redactions: list[Redaction] = []
        at = 0
        for finding in findings:
            first, end = finding.words[0], finding.words[-1] + 1
            kept.extend(words[at:first])
            kept.append(_tag(words[first:end], finding))
            redactions.append(_redaction(words[first:end], finding))
            at = end
        kept.extend(words[at:])
        return Redacted(words=tuple(kept), redactions=tuple(redactions))

    def find(self, words: Sequence[Word]) -> list[Finding]:
        """Personal data in the order of the words; no two findings share a word."""
        if not words:
            return []
        document = Document(words)
        results = self._analyzer.analyze(document.text, language="en")
        return settle([_finding(result, document) for result in results], words)


@lru_cache(maxsize=1)
def default_redactor() -> Redactor:
    """One redactor a process: loading takes a second."""
    return Redactor()


def redact(words: Sequence[Word]) -> Redacted:
    """Take personal data out of the words of a call, in the order of time. See `Redactor.redact`."""
    return default_redactor().redact(words)


def make_analyzer() -> AnalyzerEngine:
    """Presidio with our recognisers and without a language model."""
    registry = RecognizerRegistry(recognizers=all_recognisers(), supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=BlankNlpEngine(), supported_languages=["en"])


def settle(findings: Sequence[Finding], words: Sequence[Word]) -> list[Finding]:
    """Give each word to one finding, and cut findings where words of somebody else lie between theirs.

    The surer finding wins; what it leaves of another stays that other's, so nothing found is given up.
    """
    ranked = sorted(
        findings, key=lambda each: (-each.score, _rank(each.entity), -len(each.words), each.words)
    )
    owner: dict[int, Finding] = {}
    for finding in ranked:
        for position in finding.words:
            owner.setdefault(position, finding)
    settled: list[Finding] = []
    run: list[int] = []
    for position in sorted(owner):
        if run and not _continues(run[-1], position, owner, words):
            settled.append(_cut(owner[run[-1]], run))
            run = []
        run.append(position)
    return [*settled, _cut(owner[run[-1]], run)] if run else settled


def _continues(before: int, after: int, owner: Mapping[int, Finding], words: Sequence[Word]) -> bool:
    same_voice = words[before].speaker == words[after].speaker
    return after == before + 1 and same_voice and owner[before] is owner[after]


def _cut(finding: Finding, positions: Sequence[int]) -> Finding:
    return replace(finding, words=tuple(positions))


def _rank(entity: str) -> int:
    return PRECEDENCE.index(entity) if entity in PRECEDENCE else len(PRECEDENCE)


def _finding(result: RecognizerResult, document: Document) -> Finding:
    metadata = result.recognition_metadata or {}
    return Finding(
        words=tuple(document.words_at(result.start, result.end)),
        entity=result.entity_type,
        score=round(min(max(result.score, 0.0), 1.0), 3),
        recogniser=str(metadata.get(RecognizerResult.RECOGNIZER_NAME_KEY, "")),
    )


def _tag(covered: Sequence[Word], finding: Finding) -> Word:
    first = covered[0]
    return Word(
        text=f"[{finding.entity}]",
        start_s=first.start_s,
        end_s=max(word.end_s for word in covered),
        confidence=min(word.confidence for word in covered),
        channel=first.channel,
        speaker=first.speaker,
    )


def _redaction(covered: Sequence[Word], finding: Finding) -> Redaction:
    return Redaction(
        entity=finding.entity,
        start_s=covered[0].start_s,
        end_s=max(word.end_s for word in covered),
        speaker=covered[0].speaker,
        score=finding.score,
        recogniser=finding.recogniser,
        words_from=finding.words[0],
        words_to=finding.words[-1] + 1,
    )
