"""`python -m ops.quality`: measure the speech stages on generated calls and print the numbers beside their
marks.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops.console import console
from ops.quality.audio import AudioResult, measure_audio, measure_languages
from ops.quality.report import Row, as_json, audio_rows, handwritten_rows, table, text_rows
from ops.quality.text import measure_text
from samples import make_dialogue
from samples.handwritten import handwritten_dialogues

RESULT = Path(".build/quality.json")
app = typer.Typer(add_completion=False)


class Part(StrEnum):
    """What to measure."""

    ALL = "all"
    TEXT = "text"
    AUDIO = "audio"


@app.command()
def main(
    calls: Annotated[int, typer.Option(min=6, help="Recordings: so many of each kind in turn.")] = 12,
    texts: Annotated[int, typer.Option(min=1, help="Dialogues for redaction on reference text.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="First seed of the calls.")] = 9000,
    part: Annotated[
        Part, typer.Option(help="The text part takes seconds, the audio part minutes.")
    ] = Part.ALL,
    misses: Annotated[int, typer.Option(min=0, help="How many misses and false alarms to show.")] = 0,
) -> None:
    """Measure, print the table, write .build/quality.json; exit code 1 where a mark is missed."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="quality-") as folder,
        _progress() as say,
    ):
        if part is not Part.TEXT:
            audio = _audio(calls, seed, Path(folder), say)
            rows += audio_rows(audio)
            _show("audio", audio.notes[:misses])
        if part is not Part.AUDIO:
            say(f"redacting {texts} dialogues")
            generated = measure_text((make_dialogue(seed + i) for i in range(texts)), Path(folder) / "text")
            by_hand = measure_text(handwritten_dialogues(), Path(folder) / "handwritten")
            rows += [*text_rows(generated), *handwritten_rows(by_hand)]
            for text in (generated, by_hand):
                _show("missed", text.missed[:misses])
                _show("wrongly redacted", text.wrong[:misses])
    console.print(table(rows))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(
        json.dumps({"at": datetime.now(UTC).isoformat(), "seed": seed, "rows": as_json(rows)}, indent=1)
    )
    missed = [row.name for row in rows if row.passed is False]
    if missed:
        console.print(f"missed: {', '.join(missed)}. See what with --misses 40.", style="red")
        raise typer.Exit(1)


def _audio(calls: int, seed: int, folder: Path, say: Callable[[str], None]) -> AudioResult:
    result = measure_audio(calls, seed, folder / "audio", say)
    measure_languages(2, seed, folder / "languages", result, say)
    return result


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """One line that changes on a terminal, a line for each step in a log."""
    if not console.is_terminal:
        yield lambda text: console.print(f"{text} …", markup=False)
        return
    with console.status("starting") as status:
        yield status.update


def _show(title: str, lines: list[str]) -> None:
    for line in lines:
        console.print(f"{title}: {line}", markup=False)


if __name__ == "__main__":
    app()
