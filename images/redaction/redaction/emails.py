"""Spoken e-mail addresses to written ones: "john dot smith forty two at example dot com"."""

from __future__ import annotations

from collections.abc import Sequence

from redaction.lists import word_list
from redaction.numbers import FILLERS, Token

SEPARATORS = {
    "dot": ".", "period": ".", "underscore": "_", "dash": "-", "hyphen": "-", "plus": "+", "minus": "-",
}  # fmt: skip
TOP_LEVEL = word_list("top_level_domains")
PROVIDERS = word_list("mail_providers")
"""Domains that are taken for an address even where "dot com" was left out or misheard."""

BEFORE = FILLERS | word_list("before_emails")
"""Words that are no part of an address: the local part begins behind the last of them."""

DOMAIN_WORDS = 4
"""Parts a spoken domain may have before its first dot ("g mail", "blue sky mail")."""

LOCAL_WORDS = 16

MISHEARD_AT = frozenset(["and", "of", "add", "hat", "that", "out", "a", "the"])
"""What recognisers write for "at"; it counts as that only behind a digit and before a domain with its end."""


def join_emails(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of an utterance with every spoken address as one written token."""
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        domain, after = _domain(tokens, at + 1) if _is_at(tokens, at) else ("", 0)
        local = _local(joined) if domain else []
        if not local:
            joined.append(tokens[at])
            at += 1
            continue
        del joined[-len(local) :]
        text = "".join(SEPARATORS.get(token.text, token.text) for token in local if token.text not in FILLERS)
        joined.append(Token(f"{text.strip('.')}@{domain}", local[0].start, tokens[after - 1].end))
        at = after
    return joined


def _is_at(tokens: Sequence[Token], at: int) -> bool:
    """Whether the domain of an address follows: "at", or what is misheard for it."""
    if tokens[at].text in {"at", "@"}:
        return True
    ahead = [token.text for token in tokens[at + 1 : at + 2 + DOMAIN_WORDS]]
    behind_digits = at > 0 and tokens[at - 1].text.isdecimal()
    return behind_digits and tokens[at].text in MISHEARD_AT and "dot" in ahead


def _domain(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    """The domain that begins at a token, and where it ends; ("", 0) where there is none."""
    name = ""
    for at in range(start, min(start + DOMAIN_WORDS + 1, len(tokens))):
        if tokens[at].text == "dot" and name:
            top, after = _top_level(tokens, at + 1)
            return (f"{name}.{top}", after) if top else _provider(tokens, start)
        name += SEPARATORS.get(tokens[at].text, tokens[at].text)
    return _provider(tokens, start)


def _top_level(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """What stands behind "dot": "com", "e d u", "co dot uk"."""
    if at >= len(tokens):
        return "", 0
    text, after = tokens[at].text, at + 1
    spelled = "".join(token.text for token in tokens[at : at + 3])
    if text not in TOP_LEVEL and len(spelled) == 3 and spelled in TOP_LEVEL:
        text, after = spelled, at + 3
    if text not in TOP_LEVEL:
        # A longer domain: "mail dot example dot com"
        if after < len(tokens) and tokens[after].text == "dot":
            top, end = _top_level(tokens, after + 1)
            return (f"{text}.{top}", end) if top else ("", 0)
        return "", 0
    if after + 1 < len(tokens) and tokens[after].text == "dot" and tokens[after + 1].text in TOP_LEVEL:
        return f"{text}.{tokens[after + 1].text}", after + 2
    return text, after


def _provider(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    for length in (1, 2):
        name = "".join(token.text for token in tokens[start : start + length])
        if name in PROVIDERS:
            return f"{name}.com", start + length
    return "", 0


def _local(before: Sequence[Token]) -> list[Token]:
    """The tokens of the local part: those before "at", back to a word that is no part of an address."""
    found: list[Token] = []
    for token in reversed(before[-LOCAL_WORDS:]):
        if token.text in BEFORE and not (token.text in FILLERS and found):
            break
        found.insert(0, token)
    while found and (found[0].text in FILLERS or found[0].text in SEPARATORS):
        found.pop(0)
    return found
