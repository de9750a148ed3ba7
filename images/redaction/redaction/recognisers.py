"""Presidio recognisers: patterns with checks, and rules over what is said around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


class RuleRecogniser(EntityRecognizer):
    """What rules of ours find; needs no language model."""

    def load(self) -> None:
        """Nothing to load."""

    def results(
        self, found: Iterable[tuple[str, int, int, float]], entities: Sequence[str]
    ) -> list[RecognizerResult]:
        """Findings as Presidio's results."""
        return [
            RecognizerResult(entity_type=entity, start=start, end=end, score=score)
            for entity, start, end, score in found
            if not entities or entity in entities
        ]


class DictationRecogniser(RuleRecogniser):
    """Numbers by the matter of the talk: asked for, dictated in groups, repeated back, or misrecognised."""

    def __init__(self) -> None:
        super().__init__(supported_entities=[*NUMBERS, "ADDRESS"], name="dictation")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Every number that is personal data by what is said around it."""
        return self.results(
            ((each.entity, each.start, each.end, each.score) for each in find_numbers(text)), entities
        )


class MisheardRecogniser(RuleRecogniser):
    """Numbers whose digits the recogniser of speech misheard in places."""

    def __init__(self) -> None:
        super().__init__(supported_entities=[*NUMBERS, "ADDRESS"], name="misheard")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Every number with misheard digits."""
        return self.results(
            ((each.entity, each.start, each.end, each.score) for each in find_misheard(text)), entities
        )


class BirthRecogniser(RuleRecogniser):
    """Dates of birth by the talk around them."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["DATE_OF_BIRTH"], name="births")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Every date of birth."""
        return self.results(
            (("DATE_OF_BIRTH", each.start, each.end, each.score) for each in find_births(text)), entities
        )


class NameRecogniser(RuleRecogniser):
    """Names of people by word lists and by what they stand behind."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PERSON"], name="names")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Every name of a person."""
        return self.results(
            (("PERSON", each.start, each.end, each.score) for each in find_names(text)), entities
        )


class AddressRecogniser(RuleRecogniser):
    """Postal addresses by their parts."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["ADDRESS"], name="addresses")

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Every part of an address."""
        return self.results(
            (("ADDRESS", each.start, each.end, each.score) for each in find_addresses(text)), entities
        )


def all_recognisers() -> list[EntityRecognizer]:
    """Everything that redaction looks with."""
    return [
        CardRecogniser(),
        SsnRecogniser(),
        OfflineEmailRecogniser(),
        PhoneRecognizer(supported_regions=REGIONS, name="phone"),
        DictationRecogniser(),
        MisheardRecogniser(),
        BirthRecogniser(),
        NameRecogniser(),
        AddressRecogniser(),
    ]
