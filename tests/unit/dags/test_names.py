import re

import pytest

from switchboard.names import POD_NAME_MAX, SLUG_MAX, call_id, label_value, pod_name, run_slug

LABEL = re.compile(r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")
DNS_LABEL = re.compile(r"^[a-z]([a-z0-9-]*[a-z0-9])?$")

AWKWARD = [
    "manual__2026-01-01T00:00:00+00:00",
    "scheduled__2026-01-01T00:00:00+00:00_ab/c",
    "../../etc/passwd",
    "ünï cödé 日本",
    "---",
    "...",
    "a" * 300,
    "-leading",
    "trailing.",
]


@pytest.mark.parametrize("run_id", AWKWARD)
def test_run_slugs_are_safe_parts_of_a_key(run_id: str) -> None:
    slug = run_slug(run_id)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", slug)
    assert len(slug) <= SLUG_MAX


@pytest.mark.parametrize("run_id", ["nightly", "e2e-1", "manual__2026-01-01T00.00.00_x"])
def test_safe_run_ids_stay_as_they_are(run_id: str) -> None:
    assert run_slug(run_id) == run_id


def test_run_ids_that_clean_to_the_same_text_stay_apart() -> None:
    assert len({run_slug(text) for text in ("a:b", "a-b", "a+b", "a b", "a:b:")}) == 5


@pytest.mark.parametrize("text", [*AWKWARD, "", "asr", "0123456789abcdef" * 4])
def test_label_values_are_valid(text: str) -> None:
    assert LABEL.match(label_value(text))


def test_valid_label_values_stay_as_they_are() -> None:
    assert [label_value(text) for text in ("", "asr", "a" * 63)] == ["", "asr", "a" * 63]


def test_long_label_values_with_a_common_beginning_stay_apart() -> None:
    assert label_value("a" * 70 + "1") != label_value("a" * 70 + "2")


@pytest.mark.parametrize("text", [*AWKWARD, "9lives"])
def test_pod_names_are_dns_labels_with_room_for_a_suffix(text: str) -> None:
    name = pod_name(text)
    assert DNS_LABEL.match(name)
    assert len(name) <= POD_NAME_MAX
    assert POD_NAME_MAX + len("-12345678") <= 63


def test_pod_name_joins_its_parts() -> None:
    assert pod_name("autotranscribe", "", "language-id") == "autotranscribe-language-id"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://data/calls/0001.wav", "0001"),
        ("s3://data/calls/2026/07/a.b.opus", "a.b"),
        ("s3://data/calls/call 7 (copy).mp3", "call-7-copy-"),
        ("s3://data/no-extension", "no-extension"),
        ("s3://data/_private.wav", "call-private"),
        ("s3://data/.hidden", "call-hidden"),
    ],
)
def test_call_ids(uri: str, expected: str) -> None:
    assert call_id(uri) == expected


def test_call_ids_are_what_the_stages_accept() -> None:
    from switchboard_stage.models import Call

    for name in [*AWKWARD, "日本.wav", ".wav", "=.wav"]:
        Call(call_id=call_id(f"s3://data/{name}"), uri="s3://data/x")
