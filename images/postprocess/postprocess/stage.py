"""The postprocess stage."""

from __future__ import annotations

from postprocess.formats import to_text, to_webvtt
from postprocess.segments import segments
from switchboard_stage import CallContext, Params, Stage
from switchboard_stage.models import AudioManifest, Language, Redacted, Transcript, Turns


class Postprocess(Stage[Params]):
    """Writes `transcript.json`, `transcript.txt` and `transcript.vtt` from what the other stages found."""

    name = "postprocess"
    inputs = ("preprocess", "language-id", "diarization", "asr", "redaction")
    params_type = Params

    def process(self, call: CallContext) -> None:
        """Write the transcript of one call. Reads no words but the redacted ones."""
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        turns = call.read_model("diarization", "turns.json", Turns)
        redacted = call.read_model("redaction", "redacted.json", Redacted)
        heard = dict.fromkeys(
            [turn.speaker for turn in turns.turns] + [word.speaker for word in redacted.words]
        )
        transcript = Transcript(
            call_id=call.call.call_id,
            source=manifest.source,
            duration_s=manifest.duration_s,
            language=call.read_model("language-id", "language.json", Language),
            speakers=tuple(sorted(heard)),
            segments=segments(redacted.words),
            redactions=redacted.redactions,
            versions=versions(call),
            run_id=call.run_id,
        )
        call.write_model("transcript.json", transcript)
        call.write_text("transcript.txt", to_text(transcript))
        call.write_text("transcript.vtt", to_webvtt(transcript))


def versions(call: CallContext) -> dict[str, str]:
    """The image of every stage that worked on the call, by digest."""
    return {**{stage: done.image for stage, done in call.upstream.items()}, Postprocess.name: call.image}
