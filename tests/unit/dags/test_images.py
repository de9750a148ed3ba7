import json
from pathlib import Path

import pytest

from switchboard.images import ImageNotPinnedError, LockFileError, pinned_image
from tests.unit.dags.conftest import reference


def test_an_image_is_found_by_name(lock: Path) -> None:
    assert pinned_image("asr") == reference("asr")


def test_an_image_that_is_not_pinned_is_named_with_the_remedy(lock: Path) -> None:
    with pytest.raises(ImageNotPinnedError) as caught:
        pinned_image("loudness")
    for part in ("'loudness'", "images.lock.json", "asr", "make images", "make dags"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is missing"),
        ("{", "is not JSON"),
        ("[]", "is not an object"),
        (json.dumps({"asr": "registry.example/asr:latest"}), "pins 'asr'"),
        (json.dumps({"asr": {"image": "x"}}), "pins 'asr'"),
    ],
)
def test_a_lock_file_that_cannot_be_used_says_why(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    path = tmp_path / "images.lock.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LockFileError, match=complaint) as caught:
        pinned_image("asr", path)
    assert "make images" in str(caught.value)
