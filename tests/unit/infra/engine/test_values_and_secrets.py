"""Property values and secrets, on the wire and in the state."""

import json

import pytest

from infra.offline.markers import SIGNATURE, UNKNOWN, encode
from infra.offline.pulumi_engine.crypt import Crypter
from infra.offline.pulumi_engine.resource import Resource, make_urn, name_of, type_of
from infra.offline.pulumi_engine.services import seconds
from infra.offline.pulumi_engine.values import (
    EngineError,
    decode,
    has_secret,
    has_unknown,
    hidden,
    plain,
    secret,
    with_secrets_of,
)


@pytest.fixture(scope="module")
def crypter() -> Crypter:
    return Crypter("of a test")


def test_values_survive_the_wire() -> None:
    values = {"a": None, "b": [1, 2.5, "x", True, {}, []], "c": {"d": secret({"e": 1})}, "f": {}}
    assert decode(encode(values)) == values


def test_secrets_are_found_stripped_and_hidden() -> None:
    value = {"a": secret({"b": 1}), "c": ["x", secret("y")]}
    assert has_secret(value)
    assert plain(value) == {"a": {"b": 1}, "c": ["x", "y"]}
    assert hidden(value) == {"a": "[secret]", "c": ["x", "[secret]"]}
    assert secret(secret("x")) == secret("x")
    assert hidden({"a": UNKNOWN}) == {"a": "[unknown]"}
    assert has_unknown({"a": [{"b": UNKNOWN}]})


def test_what_a_plugin_answers_is_as_secret_as_what_it_was_told() -> None:
    like = {"data": {"open": "a", "closed": secret("b")}, "list": [secret("c"), "d"]}
    answer = {"data": {"open": "a", "closed": "b", "more": "e"}, "list": ["c", "d"]}
    assert with_secrets_of(answer, like) == {
        "data": {"open": "a", "closed": secret("b"), "more": "e"},
        "list": [secret("c"), "d"],
    }
    assert with_secrets_of({"list": ["c"]}, like) == {"list": secret(["c"])}


def test_the_state_has_secrets_encrypted(crypter: Crypter) -> None:
    inputs = {"open": 1, "closed": secret({"word": "hush"})}
    resource = Resource("urn:pulumi:s::p::a:b:C::n", "a:b:C", custom=True, id="1", inputs=inputs)
    resource.rest = {"taint": True}
    stored = json.loads(json.dumps(resource.to_json(crypter)))
    assert "hush" not in json.dumps(stored)
    assert set(stored["inputs"]["closed"]) == {SIGNATURE, "ciphertext"}
    assert set(stored) == {"urn", "type", "custom", "id", "inputs", "taint"}
    again = Resource.from_json(stored, Crypter("of a test", crypter.salt))
    assert vars(again) == vars(resource)


def test_another_passphrase_is_noticed(crypter: Crypter) -> None:
    with pytest.raises(EngineError, match="incorrect passphrase"):
        Crypter("another", crypter.salt)
    assert crypter.decrypt(crypter.encrypt("ü")) == "ü"
    assert crypter.encrypt("x") != crypter.encrypt("x")
    version, _, check = crypter.salt.split(":", 2)
    assert version == "v1"
    assert check.startswith("v1:")


def test_names_hold_the_types_of_parents() -> None:
    root = make_urn("s", "p", "", "pulumi:pulumi:Stack", "p-s")
    assert root == "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
    outer = make_urn("s", "p", root, "a:b:C", "outer")
    assert outer == "urn:pulumi:s::p::a:b:C::outer"
    inner = make_urn("s", "p", outer, "d:e:F", "in::ner")
    assert inner == "urn:pulumi:s::p::a:b:C$d:e:F::in::ner"
    assert (type_of(inner), name_of(inner)) == ("d:e:F", "in::ner")


@pytest.mark.parametrize(("text", "wanted"), [("20m", 1200), ("1h5m", 3900), ("1.5s", 1.5), ("10ms", 0.01)])
def test_lengths_of_time(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["5", "x", "5 m", "1..2s"])
def test_no_lengths_of_time(text: str) -> None:
    with pytest.raises(EngineError, match="is no length of time"):
        seconds(text)


def test_properties_come_by_name() -> None:
    names = [f"{number * 7919 % 101:03d}" for number in range(100)]
    message = encode({key: {"b": 1, "a": 2} for key in names})
    assert list(decode(message)) == sorted(names)
    assert list(decode(message)[names[0]]) == ["a", "b"]
