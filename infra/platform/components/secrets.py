"""Passwords and keys that are made once and then only kept, encrypted, in the stack's state."""

import base64
import os
import secrets
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

Kind = Literal["token", "fernet", "signing"]

TOKEN_BYTES = 32
"""256 bits; 43 characters that need no escaping in addresses, headers or files."""

SIGNING_BYTES = 64
"""What HMAC-SHA512 wants at least, which Airflow signs its tokens with (RFC 7518, 3.2)."""


def generate(kind: Kind) -> str:
    """A new secret: a token, a key that signs tokens, or one for Airflow's encryption (32 bytes, base64)."""
    if kind == "fernet":
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    return secrets.token_urlsafe(SIGNING_BYTES if kind == "signing" else TOKEN_BYTES)


class _Provider(ResourceProvider):
    """Makes the value when the resource is created; nothing but another kind makes a new one."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(
            id_=secrets.token_hex(8), outs={"kind": props["kind"], "value": generate(props["kind"])}
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        differs = _olds.get("kind") != _news.get("kind")
        return DiffResult(changes=differs, replaces=["kind"] if differs else [], delete_before_replace=False)


class GeneratedSecret(Resource):
    """One secret. `value` is a Pulumi secret everywhere it goes."""

    value: pulumi.Output[str]

    def __init__(self, name: str, kind: Kind, opts: pulumi.ResourceOptions | None = None) -> None:
        own = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            _Provider(), name, {"kind": kind, "value": None}, pulumi.ResourceOptions.merge(opts, own)
        )
