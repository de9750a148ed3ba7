import random

import pytest

from switchboard.calls import Recording, select_found, select_named, share_out


def recording(uri: str, size: int = 1) -> Recording:
    return Recording(uri, "etag", size)


def calls(*sizes: int) -> list[tuple[str, Recording]]:
    return [(f"{index:03d}", recording(f"s3://b/{index:03d}.wav", size)) for index, size in enumerate(sizes)]


def test_what_lies_beside_recordings_is_ignored_and_counted() -> None:
    found = [
        recording(f"s3://b/{name}") for name in ("a.wav", "a.json", "A.TXT", "b/", ".keep", "c.xyz", "d")
    ]
    selection = select_found(found)
    assert [name for name, _ in selection.calls] == ["a", "c", "d"]
    assert selection.ignored == 4


def test_two_recordings_with_one_id_are_both_refused() -> None:
    selection = select_found(
        [recording("s3://b/x/1.wav"), recording("s3://b/y/1.mp3"), recording("s3://b/2.wav")]
    )
    assert [name for name, _ in selection.calls] == ["2"]
    (rejected,) = selection.rejected
    assert rejected.call_id == "1"
    assert rejected.uris == ("s3://b/x/1.wav", "s3://b/y/1.mp3")
    assert "2 recordings" in rejected.reason
    assert "rename" in rejected.remedy


def test_the_same_recording_named_twice_is_one_call() -> None:
    selection = select_named([recording("s3://b/1.wav"), recording("s3://b/1.wav")], [])
    assert len(selection.calls) == 1
    assert not selection.rejected


def test_a_named_call_that_is_gone_is_refused_with_its_uri() -> None:
    selection = select_named([recording("s3://b/1.wav")], ["s3://b/gone.wav", "s3://b/gone.wav"])
    (rejected,) = selection.rejected
    assert (rejected.call_id, rejected.uris) == ("gone", ("s3://b/gone.wav",))
    assert selection.total == 2


def test_a_named_sidecar_is_tried() -> None:
    assert len(select_named([recording("s3://b/notes.txt")], []).calls) == 1


@pytest.mark.parametrize(
    ("count", "batch_size", "max_batches", "expected"),
    [
        (0, 8, 10, []),
        (1, 8, 10, [1]),
        (9, 8, 10, [5, 4]),
        (100, 8, 4, [25, 25, 25, 25]),
        (3, 1, 500, [1, 1, 1]),
    ],
)
def test_number_and_size_of_batches(
    count: int, batch_size: int, max_batches: int, expected: list[int]
) -> None:
    assert [len(batch) for batch in share_out(calls(*[1] * count), batch_size, max_batches)] == expected


def test_long_recordings_are_spread() -> None:
    batches = share_out(calls(100, 1, 90, 2, 3, 80), batch_size=2, max_batches=3)
    assert [max(each.size_bytes for _, each in batch) for batch in batches] == [100, 90, 80]


def test_every_call_is_in_exactly_one_batch() -> None:
    dice = random.Random(7)
    for _ in range(300):
        given = calls(*(dice.randrange(10**9) for _ in range(dice.randrange(60))))
        most = dice.randint(1, 10)
        batches = share_out(given, dice.randint(1, 20), most)
        assert sorted(name for batch in batches for name, _ in batch) == [name for name, _ in given]
        assert len(batches) <= most
        assert all(batches)
