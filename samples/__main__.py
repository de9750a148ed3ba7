"""`python -m samples generate`: write calls and their references to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from samples.dialogue import make_dialogue
from samples.formats import FORMATS
from samples.models import Reference
from samples.other import make_bad_calls, make_foreign_dialogue
from samples.recording import Layout, Recording, record
from samples.script import intent_names
from samples.voices import VoiceError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Order:
    """What one worker process makes one call from."""

    seed: int
    minutes: float | None
    intents: tuple[str, ...] | None
    language: str
    recording: Recording
    folder: Path


def make(order: Order) -> Reference:
    """One call, in a worker process."""
    if order.language == "en":
        dialogue = make_dialogue(order.seed, order.minutes, order.intents)
    else:
        dialogue = make_foreign_dialogue(order.language, order.seed)
    return record(dialogue, order.folder, order.recording)


@app.command()
def generate(  # noqa: PLR0913, PLR0917 (each is an option on the command line)
    out: Annotated[Path, typer.Option(help="Folder to write to; made if it is not there.")],
    count: Annotated[int, typer.Option(min=1, help="How many calls.")] = 1,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first call; the next has the next number.")
    ] = 1,
    minutes: Annotated[float | None, typer.Option(min=0.3, max=600, help="Length to aim at.")] = None,
    form: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}, or `all` in turn.")
    ] = "wav",
    layout: Annotated[
        Layout, typer.Option(help="Both speakers apart, or on one channel.")
    ] = Layout.TWO_CHANNEL,
    intent: Annotated[list[str] | None, typer.Option(help="What it is about; repeat for several.")] = None,
    language: Annotated[
        str, typer.Option(help="en; es, fr and de are short and fixed in their course.")
    ] = "en",
    processes: Annotated[int, typer.Option(min=1, help="How many calls to speak at once.")] = 2,
) -> None:
    """Write `<call_id>.<ext>` and `<call_id>.reference.json` for each call. The same options give the same
    bytes.
    """
    forms = list(FORMATS) if form == "all" else [form]
    _check("--format", form, ["all", *FORMATS])
    _check("--language", language, ["en", "es", "fr", "de"])
    for name in intent or []:
        _check("--intent", name, list(intent_names()))
    orders = [
        Order(
            seed=seed + i,
            minutes=minutes,
            intents=tuple(intent) if intent else None,
            language=language,
            recording=Recording(forms[i % len(forms)], layout),
            folder=out,
        )
        for i in range(count)
    ]
    with _voice_errors():
        made = _make_all(orders, processes)
    audio_min = sum(reference.duration_s for reference in made) / 60
    places = sum(len(reference.pii) for reference in made)
    console.print(f"{len(made)} calls, {audio_min:.1f} minutes, {places} places of personal data in {out}/")
    _next_steps(out)


@app.command()
def bad(out: Annotated[Path, typer.Option(help="Folder to write to.")], seed: int = 1) -> None:
    """Write one recording for each reason to refuse one: not audio, empty, truncated, silent, Spanish."""
    with _voice_errors():
        for kind, path in make_bad_calls(out, seed).items():
            console.print(f"{path}: {kind}")
    _next_steps(out)


def _make_all(orders: list[Order], processes: int) -> list[Reference]:
    columns = (TextColumn("speaking calls"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    made = []
    with (
        ProcessPoolExecutor(processes) as pool,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("calls", total=len(orders))
        for future in as_completed([pool.submit(make, order) for order in orders]):
            made.append(future.result())
            progress.advance(task)
    return made


def _check(option: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}", param_hint=option)


@contextmanager
def _voice_errors() -> Iterator[None]:
    try:
        yield
    except VoiceError as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None


def _next_steps(out: Path) -> None:
    console.print(
        "Next: listen to one and read the .reference.json beside it; or copy recordings to the data bucket,\n"
        f"say from {out}/ to s3://switchboard-data/calls/mine/, with any S3 client, and trigger\n"
        'the DAG autotranscribe with {"prefix": "s3://switchboard-data/calls/mine/"}.'
    )


if __name__ == "__main__":
    app()
