"""Secrets of the state, encrypted with a passphrase in the way of Pulumi's own provider `passphrase`."""

import base64
import hashlib
import os
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.offline.pulumi_engine.values import EngineError

_ROUNDS, _KEY_BYTES, _SALT_BYTES, _NONCE_BYTES = 1_000_000, 32, 8, 12
_CHECK = "pulumi"
"""What the salt's second part is when decrypted: so a wrong passphrase is noticed."""


@cache
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ROUNDS, _KEY_BYTES)


def passphrase() -> str:
    """What $PULUMI_CONFIG_PASSPHRASE says, or the file that $PULUMI_CONFIG_PASSPHRASE_FILE names."""
    if (text := os.environ.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return text
    if file := os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return Path(file).read_text().strip()
    raise EngineError("passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE")


class Crypter:
    """Encrypts and decrypts texts of one stack."""

    def __init__(self, phrase: str, salt: str | None = None) -> None:
        raw = base64.b64decode(salt.split(":")[1]) if salt else os.urandom(_SALT_BYTES)
        self._cipher = AESGCM(_key(phrase, raw))
        self.salt = salt or f"v1:{base64.b64encode(raw).decode()}:{self.encrypt(_CHECK)}"
        """As stack files have it under `encryptionsalt`."""
        if self.decrypt(self.salt.split(":", 2)[2]) != _CHECK:
            raise EngineError("incorrect passphrase")

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        data = self._cipher.encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(data).decode()}"

    def decrypt(self, text: str) -> str:
        """Raises EngineError if it was encrypted with another passphrase."""
        _, nonce, data = text.split(":")
        try:
            return self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(data), None).decode()
        except InvalidTag:
            raise EngineError("incorrect passphrase") from None
