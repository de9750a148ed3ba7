"""What mypy checks together: everything at once, but what repeats a name of another."""

from pathlib import Path

from tools import check_types


def test_what_repeats_in_each_image_is_checked_with_that_image_alone(tmp_path: Path) -> None:
    for name in (
        "ops/up.py",
        "images/asr/main.py",
        "images/asr/asr/__init__.py",
        "images/asr/tests/test_asr.py",
        "images/report/main.py",
        "images/report/tests/README",
        "images/base/Dockerfile",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    groups = [[str(path.relative_to(tmp_path)) for path in group] for group in check_types.groups(tmp_path)]
    assert groups == [
        ["ops", "images/asr/asr"],
        ["images/asr/main.py", "images/asr/tests"],
        ["images/report/main.py"],
    ]
