"""Names derived from other names: pure, so that every rule is in one tested place."""

from __future__ import annotations

import hashlib
import re

LABEL_MAX = 63
"""Kubernetes' limit for a label's value, and for one part of a DNS name."""

SLUG_MAX = 120
"""Longest run slug: keys must stay readable and far below S3's 1,024 bytes."""

POD_NAME_MAX = 54
"""Leaves room for the random suffix within a DNS label, which the pod's hostname must be."""

HASH_LENGTH = 8


def fingerprint(text: str) -> str:
    """A short hash that keeps shortened or cleaned names apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def run_slug(run_id: str) -> str:
    """A run's name as one safe part of an S3 key: itself where it is safe already, else cleaned, with a
    hash.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", run_id).strip("-.")
    if clean == run_id and 0 < len(clean) <= SLUG_MAX:
        return clean
    return f"{clean[: SLUG_MAX - HASH_LENGTH - 1].strip('-.') or 'run'}-{fingerprint(run_id)}"


def label_value(text: str) -> str:
    """A valid Kubernetes label value: itself where it is valid already, else cleaned, with a hash; "" stays
    "".
    """
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    if clean == text and len(clean) <= LABEL_MAX:
        return clean
    return f"{clean[: LABEL_MAX - HASH_LENGTH - 1].strip('-._') or 'x'}-{fingerprint(text)}"


def pod_name(*parts: str) -> str:
    """A DNS label made of parts, short enough that a random suffix still fits behind it."""
    text = "-".join(part for part in parts if part)
    clean = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if clean and not clean[0].isalpha():
        clean = f"p-{clean}"
    if 0 < len(clean) <= POD_NAME_MAX:
        return clean
    return f"{clean[: POD_NAME_MAX - HASH_LENGTH - 1].strip('-') or 'pod'}-{fingerprint(text)}"


def call_id(uri: str) -> str:
    """A call's id: its object's name without folder and extension, cleaned to what a key may hold everywhere.

    The id names the folder of the call's results, so two recordings of one name are two calls with one id.
    """
    name = uri.rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
    clean = re.sub(r"[^A-Za-z0-9._=+-]+", "-", stem)
    return clean if clean[:1].isalnum() else f"call-{clean.lstrip('-._=+') or fingerprint(uri)}"
