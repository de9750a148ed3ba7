"""What the reconciler changes, and what it leaves alone."""

from typing import Any

import pytest

from switchboard_airflow.desired import CONNECTION, MARK, POOL, Change, changes, is_ours

SPEECH = {"slots": 8, "description": "stage pods", "include_deferred": False}
CRM = {
    "conn_type": "http",
    "description": "the CRM",
    "host": "crm.example",
    "login": "robot",
    "schema": None,
    "port": 443,
    "password": "s3cret",
    "extra": '{"api_key": "k", "timeout": 5}',
}


def shown(change: Change) -> dict[str, Any]:
    """The object as Airflow lists it after the change, secrets hidden."""
    item = dict(change.body or {})
    if item.get("password"):
        item["password"] = "***"
    if item.get("extra"):
        item["extra"] = item["extra"].replace('"k"', '"***"')
    return item


def summary(found: list[Change]) -> list[tuple[str, str]]:
    return [(change.verb, change.name) for change in found]


@pytest.mark.parametrize(("kind", "declared"), [(POOL, SPEECH), (CONNECTION, CRM)])
def test_what_is_missing_is_made_once(kind: Any, declared: dict[str, Any]) -> None:
    (made,) = changes(kind, {"x": declared}, [])
    assert (made.verb, made.name) == ("create", "x")
    assert is_ours(shown(made))
    assert changes(kind, {"x": declared}, [shown(made)]) == []


@pytest.mark.parametrize(
    ("kind", "declared", "drift"),
    [
        (POOL, SPEECH, {"slots": 3}),
        (POOL, SPEECH, {"include_deferred": True}),
        (POOL, SPEECH, {"description": "mine now"}),
        (CONNECTION, CRM, {"host": "evil.example"}),
        (CONNECTION, CRM, {"password": None}),
        (CONNECTION, CRM, {"extra": None}),
        (CONNECTION, CRM, {"extra": '{"api_key": "***", "timeout": 50}'}),
        (CONNECTION, CRM, {"port": 80}),
    ],
)
def test_drift_is_put_back(kind: Any, declared: dict[str, Any], drift: dict[str, Any]) -> None:
    (made,) = changes(kind, {"x": declared}, [])
    (back,) = changes(kind, {"x": declared}, [shown(made) | drift])
    assert back.verb == "update"
    assert back.body == made.body
    assert next(iter(drift)) in back.because


def test_a_changed_secret_is_noticed_although_it_is_hidden() -> None:
    (made,) = changes(CONNECTION, {"x": CRM}, [])
    found = changes(CONNECTION, {"x": CRM | {"password": "another"}}, [shown(made)])
    assert summary(found) == [("update", "x")]


def test_a_secret_stands_in_no_description_and_no_line_of_the_log() -> None:
    (made,) = changes(CONNECTION, {"x": CRM}, [])
    assert "s3cret" not in f"{(made.body or {})['description']} {made}"


def test_what_is_no_longer_declared_goes_if_it_was_ours() -> None:
    (made,) = changes(POOL, {"old": SPEECH}, [])
    by_hand = {"name": "mine", "slots": 1, "description": "by hand", "include_deferred": False}
    assert summary(changes(POOL, {}, [shown(made), by_hand])) == [("delete", "old")]


def test_a_pool_made_by_hand_under_a_declared_name_is_taken_over() -> None:
    by_hand = {"name": "x", "slots": 8, "description": None, "include_deferred": False}
    (taken,) = changes(POOL, {"x": SPEECH}, [by_hand])
    assert taken.verb == "update"
    assert MARK in (taken.body or {})["description"]


def test_the_default_pool_keeps_its_description_and_is_never_removed() -> None:
    default = {"name": "default_pool", "slots": 128, "description": f"x {MARK}", "include_deferred": False}
    assert changes(POOL, {}, [default]) == []
    wanted = {"slots": 128, "description": "other", "include_deferred": False}
    assert changes(POOL, {"default_pool": wanted}, [default]) == []
    assert summary(changes(POOL, {"default_pool": wanted | {"slots": 5}}, [default])) == [
        ("update", "default_pool")
    ]
