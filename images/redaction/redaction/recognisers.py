"""Presidio recognisers: patterns with checks, and rules over what is said around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from tldextract import TLDExtract

from redaction.addresses import find_addresses
from redaction.checks import is_card, is_ssn
from redaction.dates import find_births
from redaction.dictation import find_numbers
from redaction.misheard import find_misheard
from redaction.names import find_names

NUMBERS = (
    "CARD_NUMBER",
    "ACCOUNT_NUMBER",
    "US_SSN",
    "PHONE_NUMBER",
    "SECURITY_CODE",
    "DATE_OF_BIRTH",
    "NUMBER",
)
REGIONS = ("US", "CA", "GB")
"""Numbering plans of phone numbers; with a country code any number counts."""


class CardRecogniser(PatternRecognizer):
    """Payment card numbers by beginning, length and check digit."""

    def __init__(self) -> None:
        pattern = Pattern("card", r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", 0.3)
        super().__init__(supported_entity="CARD_NUMBER", patterns=[pattern], name="card")

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the digits can be a card's."""
        return is_card("".join(char for char in pattern_text if char.isdigit()))


class SsnRecogniser(PatternRecognizer):
    """US social security numbers as they are written, by their form and the issuer's rules."""

    def __init__(self) -> None:
        pattern = Pattern("ssn", r"\b\d{3}[- ]\d{2}[- ]\d{4}\b", 0.5)
        super().__init__(supported_entity="US_SSN", patterns=[pattern], name="ssn")

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the number can have been issued."""
        return is_ssn("".join(char for char in pattern_text if char.isdigit()))


class OfflineEmailRecogniser(EmailRecognizer):
    """Presidio's e-mail recogniser with the list of public suffixes that tldextract ships: nothing is
    fetched.
    """

    def __init__(self) -> None:
        super().__init__(supported_entity="EMAIL", name="email")
        self._extract = TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the domain ends in a public suffix."""
        return bool(self._extract(pattern_text).top_domain_under_public_suffix)


class Finding(Protocol):
    """What a rule finds: a stretch of the text, and how sure the rule is."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def score(self) -> float: ...


class RuleRecogniser(EntityRecognizer):
    """What a rule of ours finds; needs no language model.

    `entity`: what everything is that the rule finds; None where each finding names its own.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[str], Sequence[Finding]],
        entities: Sequence[str],
        entity: str | None = None,
    ) -> None:
        super().__init__(supported_entities=list(entities), name=name)
        self._find, self._entity = find, entity

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Everything that the rule finds, as far as it is asked for."""
        found = [(self._entity or each.entity, each) for each in self._find(text)]  # type: ignore[attr-defined]
        return [
            RecognizerResult(entity_type=entity, start=each.start, end=each.end, score=each.score)
            for entity, each in found
            if not entities or entity in entities
        ]


def all_recognisers() -> list[EntityRecognizer]:
    """Everything that redaction looks with."""
    return [
        CardRecogniser(),
        SsnRecogniser(),
        OfflineEmailRecogniser(),
        PhoneRecognizer(supported_regions=REGIONS, name="phone"),
        RuleRecogniser("dictation", find_numbers, [*NUMBERS, "ADDRESS"]),
        RuleRecogniser("misheard", find_misheard, [*NUMBERS, "ADDRESS"]),
        RuleRecogniser("births", find_births, ["DATE_OF_BIRTH"], "DATE_OF_BIRTH"),
        RuleRecogniser("names", find_names, ["PERSON"], "PERSON"),
        RuleRecogniser("addresses", find_addresses, ["ADDRESS"], "ADDRESS"),
    ]
