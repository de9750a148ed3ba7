"""The marks, the table and the JSON of a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ops.quality.audio import AudioResult
from ops.quality.text import TextResult
from samples import KINDS
from samples.formats import FORMATS


@dataclass(frozen=True)
class Row:
    """One number. `at_most` or `at_least` is its mark; with neither it is only shown."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    of: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the mark is met; None without a mark."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.value >= self.at_least if self.at_least is not None else None

    @property
    def mark(self) -> str:
        """The mark as people write it."""
        if self.at_most is not None:
            return f"<= {self.at_most:.2f}"
        return f">= {self.at_least:.2f}" if self.at_least is not None else ""


def text_rows(text: TextResult) -> list[Row]:
    """Redaction on reference text."""
    score, what = text.score, "redaction on reference text: "
    rows = [
        Row(f"{what}recall", score.recall.share, at_least=0.97, of=f"{score.recall.total} pieces"),
        Row(
            f"{what}precision", score.precision.share, at_least=0.9, of=f"{score.precision.total} redactions"
        ),
        Row(
            f"{what}precision by words", score.word_precision.share, of=f"{score.word_precision.total} words"
        ),
        Row(f"{what}kind right", score.right_kind.share, of=f"{score.right_kind.total} pieces found"),
    ]
    rows += [
        Row(f"  recall of {e}", t.share, of=f"{t.total} pieces") for e, t in sorted(score.by_entity.items())
    ]
    rows.append(Row("  recall of names on no list", text.unlisted.share, of=f"{text.unlisted.total} pieces"))
    rows += [
        Row(f"  precision of {e}", t.share, of=f"{t.total} redactions")
        for e, t in sorted(score.by_found.items())
    ]
    return rows


def handwritten_rows(text: TextResult) -> list[Row]:
    """Redaction on the few calls that no template made: shown, because a mark on so few would be chance."""
    score, what = text.score, "redaction on hand-written text: "
    return [
        Row(f"{what}recall", score.recall.share, of=f"{score.recall.total} pieces"),
        Row(f"{what}precision", score.precision.share, of=f"{score.precision.total} redactions"),
    ]


def audio_rows(audio: AudioResult) -> list[Row]:
    """Everything that needs recordings."""
    words = sum(total for _, total in audio.word_errors.values())
    rows = [Row("word error rate", audio.word_error_rate(), at_most=0.25, of=f"{words} words")]
    for band, kinds in bands(audio).items():
        count = sum(audio.word_errors[kind][1] for kind in kinds)
        rows.append(Row(f"  all {band}", audio.word_error_rate(*kinds), of=f"{count} words"))
    rows += [
        Row(f"  {kind}", audio.word_error_rate(kind), of=f"{total} words")
        for kind, (_, total) in audio.word_errors.items()
    ]
    rows.append(
        Row("language accuracy", audio.language.share, at_least=0.9, of=f"{audio.language.total} calls")
    )
    marks = {2: 0.05, 1: 0.25}
    for n, der in sorted(audio.der.items(), reverse=True):
        name = f"diarization error rate, {n} channel{'s' * (n > 1)}"
        rows.append(Row(name, der, at_most=marks[n], of="0.25 s at changes not scored"))
        rows.append(Row("  everything scored", audio.der_no_collar[n]))
    score, what = audio.redaction, "redaction on recognised text: "
    rows.append(Row(f"{what}recall", score.recall.share, of=f"{score.recall.total} pieces"))
    rows.append(Row(f"{what}precision", score.precision.share, of=f"{score.precision.total} redactions"))
    left = audio.readable
    rows.append(Row(f"{what}personal words left readable", left.share, of=f"{left.total} words"))
    total = sum(audio.real_time_factor.values())
    rows.append(Row("real-time factor, one core", total, of=f"{audio.audio_s / 60:.1f} minutes"))
    rows += [Row(f"  {stage}", factor) for stage, factor in audio.real_time_factor.items()]
    return rows


def bands(audio: AudioResult) -> dict[str, list[str]]:
    """Kinds of calls by what they hold: a telephone line ends at 4 kHz, the acoustic model does not."""
    found: dict[str, list[str]] = {}
    for kind in audio.word_errors:
        telephone = FORMATS[KINDS[kind].recording.format].rate_hz <= 8000
        found.setdefault("telephone (8 kHz)" if telephone else "wide band (16 kHz)", []).append(kind)
    return found


def table(rows: list[Row]) -> Table:
    """What a person reads."""
    out = Table(title="Quality on generated calls")
    for name, justify in (
        ("measure", "left"),
        ("value", "right"),
        ("mark", "right"),
        ("", "left"),
        ("over", "left"),
    ):
        out.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    verdicts = {True: "[green]met", False: "[bold red]missed", None: ""}
    for row in rows:
        out.add_row(row.name, f"{row.value:.3f}", row.mark, verdicts[row.passed], row.of)
    return out


def as_json(rows: list[Row]) -> list[dict[str, Any]]:
    """What a program reads."""
    return [
        {
            "name": row.name.strip(),
            "value": round(row.value, 4),
            "mark": row.mark,
            "passed": row.passed,
            "of": row.of,
        }
        for row in rows
    ]
