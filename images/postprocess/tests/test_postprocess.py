import re
from pathlib import Path

import pytest

from postprocess.formats import clock, to_text, to_webvtt
from postprocess.segments import readable, segments
from postprocess.stage import Postprocess
from switchboard_stage.models import (
    AudioManifest,
    AudioSource,
    Language,
    Redacted,
    Redaction,
    Segment,
    Transcript,
    Turn,
    Turns,
    Word,
    Words,
)
from switchboard_stage.testing import IMAGE, Workbench

CUE = re.compile(
    r"\d+\n(?P<start>\d\d:\d\d:\d\d\.\d{3}) --> (?P<end>\d\d:\d\d:\d\d\.\d{3})"
    r"\n<v (?P<voice>[^>\n]+)>(?P<text>[^\n]*)</v>"
)
SOURCE = AudioSource(
    uri="s3://b/1.wav", etag="e", container="wav", codec="pcm", sample_rate_hz=8000, channels=2
)


def word(text: str, start: float, speaker: str = "speaker-0", length: float = 0.3) -> Word:
    return Word(
        text=text,
        start_s=start,
        end_s=start + length,
        confidence=0.9,
        channel=int(speaker[-1]),
        speaker=speaker,
    )


def transcript(*made: Segment) -> Transcript:
    return Transcript(
        call_id="call-1",
        source=SOURCE,
        duration_s=3723.5,
        language=Language(code="en", confidence=0.97, scores={"en": 0.97}),
        speakers=("speaker-0", "speaker-1"),
        segments=made,
        redactions=(),
        versions={},
        run_id="r",
    )


def segment(text: str, start: float = 0, end: float = 1, speaker: str = "speaker-0") -> Segment:
    return Segment(speaker=speaker, start_s=start, end_s=end, text=text, words=())


def test_turns_make_segments() -> None:
    made = segments([word("hello", 0), word("there", 0.3), word("hi", 1, "speaker-1"), word("so", 2)])
    assert [(each.speaker, each.text) for each in made] == [
        ("speaker-0", "Hello there"),
        ("speaker-1", "Hi"),
        ("speaker-0", "So"),
    ]


def test_a_pause_ends_a_segment() -> None:
    assert len(segments([word("a", 0), word("b", 1.2)])) == 1
    assert len(segments([word("a", 0), word("b", 1.4)])) == 2


def test_somebody_who_talks_on_is_not_cut_by_a_remark() -> None:
    made = segments([word("one", 0), word("mhm", 0.2, "speaker-1"), word("two", 0.35), word("three", 0.7)])
    assert [each.text for each in made] == ["One two three", "Mhm"]


def test_long_speech_is_cut_at_a_pause_only() -> None:
    steady = [word("la", index * 0.3) for index in range(100)]
    assert len(segments(steady)) == 1
    breathing = [word("la", index * 0.6) for index in range(100)]
    assert all(each.end_s - each.start_s <= 21 for each in segments(breathing))


def test_no_word_is_lost_and_times_cover_the_words() -> None:
    words = [word(str(index), index * 0.37, f"speaker-{index // 7 % 2}") for index in range(200)]
    made = segments(words)
    assert sorted((each for part in made for each in part.words), key=lambda each: each.start_s) == words
    for part in made:
        assert (part.start_s, part.end_s) == (part.words[0].start_s, max(each.end_s for each in part.words))


def test_words_are_made_readable() -> None:
    line = [word(text, 0) for text in ("my", "card", "is", "[CARD_NUMBER]", "and", "i'm", "sure", "i", "am")]
    assert readable(line) == "My card is [CARD_NUMBER] and I'm sure I am"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3599.5, "00:59:59.500"), (10800.001, "03:00:00.001")],
)
def test_clock(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


def test_webvtt_has_the_form_of_the_standard() -> None:
    text = to_webvtt(transcript(segment("Hello"), segment("Hi", 1, 1, "speaker-1")))
    head, *cues = text.rstrip("\n").split("\n\n")
    assert head.startswith("WEBVTT")
    assert len(cues) == 2
    for cue in cues:
        match = CUE.fullmatch(cue)
        assert match
        assert match["start"] < match["end"]


@pytest.mark.parametrize("text", ["a < b & c > d", "x --> y", "two\n\nlines", "</v><c>", "a&lt;b"])
def test_text_cannot_break_a_cue(text: str) -> None:
    cues = to_webvtt(transcript(segment(text), segment("after"))).rstrip("\n").split("\n\n")[1:]
    assert len(cues) == 2
    match = CUE.fullmatch(cues[0])
    assert match
    assert "<" not in match["text"]
    assert "-->" not in match["text"]


def test_text_for_people_names_time_and_speaker() -> None:
    text = to_text(transcript(segment("Hello", 61)))
    assert "01:02:04" in text or "01:02:03" in text
    assert "[00:01:01] speaker-0  Hello" in text


def test_a_call_in_which_nobody_speaks_has_a_transcript() -> None:
    assert "nobody says anything" in to_text(transcript())
    assert to_webvtt(transcript()).startswith("WEBVTT")


def given(bench: Workbench) -> None:
    secret = Words(engine="e", engine_version="1", words=(word("4111", 0),))
    redacted = Redacted(
        words=(word("[CARD_NUMBER]", 0),),
        redactions=(
            Redaction(
                entity="CARD_NUMBER",
                start_s=0,
                end_s=0.3,
                speaker="speaker-0",
                score=1,
                recogniser="card",
                words_from=0,
                words_to=1,
            ),
        ),
    )
    manifest = AudioManifest(call_id="call-1", source=SOURCE, duration_s=5, chunks=(), speech=())
    bench.given("preprocess", "manifest.json", manifest)
    bench.given("language-id", "language.json", Language(code="en", confidence=1, scores={"en": 1}))
    turn = Turn(channel=1, start_s=0, end_s=1, speaker="speaker-1")
    bench.given("diarization", "turns.json", Turns(method="channel", turns=(turn,)))
    bench.given("asr", "words.json", secret)
    bench.given("redaction", "redacted.json", redacted)


def test_the_stage_writes_three_files_without_the_original(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given(bench)
    assert bench.run(Postprocess).outcome == "done"
    made = bench.result("postprocess", "transcript.json", Transcript)
    assert made.speakers == ("speaker-0", "speaker-1")
    assert made.redactions[0].entity == "CARD_NUMBER"
    assert set(made.versions) == {
        "preprocess",
        "language-id",
        "diarization",
        "asr",
        "redaction",
        "postprocess",
    }
    assert made.versions["asr"] == "asr-image"
    assert made.versions["postprocess"] == IMAGE
    for name in ("transcript.json", "transcript.txt", "transcript.vtt"):
        assert "4111" not in bench.path("postprocess", name).read_text()
    assert bench.run(Postprocess).outcome == "unchanged"
