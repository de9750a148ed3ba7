"""The stage: recording in, chunks and manifest out."""

from collections.abc import Iterator
from pathlib import Path

import soundfile
from pydantic import Field

from preprocess.decode import RATE_HZ, blocks, format_of, open_audio
from preprocess.speech import FRAME_S, Chunk, Chunker
from switchboard_stage import CallContext, Params, Stage, StageError
from switchboard_stage.models import AudioChunk, AudioManifest, AudioSource, Span

LEAST_SPEECH_S = 0.3
"""A call with less than this is silent."""
TOUCH_S = 0.3
"""Speech that goes on across the end of a chunk is one span."""


class PreprocessParams(Params):
    """`chunk_s`: longest chunk in seconds."""

    chunk_s: float = Field(default=30, ge=5, le=30)


class Preprocess(Stage[PreprocessParams]):
    """Decodes, resamples, finds speech and cuts, in one pass and in constant memory."""

    name = "preprocess"
    params_type = PreprocessParams

    def process(self, call: CallContext) -> None:
        """Raises `StageError` for a call without speech, and what `preprocess.decode` raises."""
        with open_audio(call.fetch_source()) as sound:
            form = format_of(sound)
            writer = _Writer(call, form.channels)
            chunkers = [Chunker(self.params.chunk_s) for _ in range(form.channels)]
            frames = 0
            for block in blocks(sound):
                frames += len(block)
                for channel, chunker in enumerate(chunkers):
                    writer.write(channel, chunker.feed(block[:, channel]))
        call.audio_s = frames / RATE_HZ
        if not frames:
            raise StageError("empty: there is no sound in it", remedy="upload the whole recording again")
        for channel, chunker in enumerate(chunkers):
            writer.write(channel, chunker.finish())
        spoken = sum(s.end_s - s.start_s for s in writer.speech)
        if spoken < LEAST_SPEECH_S:
            raise StageError(
                f"silent: {spoken:.1f} s of speech in {call.audio_s:.1f} s",
                remedy="check the line that was recorded; leave such calls out of the run",
            )
        source = call.call
        manifest = AudioManifest(
            call_id=source.call_id,
            source=AudioSource(uri=source.uri, etag=source.etag, **form._asdict()),
            duration_s=round(call.audio_s, 3),
            chunks=tuple(sorted(writer.chunks, key=lambda c: (c.channel, c.index))),
            speech=tuple(sorted(writer.speech, key=lambda s: (s.start_s, s.channel))),
        )
        call.write_model("manifest.json", manifest)


class _Writer:
    """Writes chunks as they come, so that one is held at a time."""

    def __init__(self, call: CallContext, channels: int) -> None:
        self._call = call
        self._count = [0] * channels
        self._spans: list[list[Span]] = [[] for _ in range(channels)]
        self.chunks: list[AudioChunk] = []

    @property
    def speech(self) -> list[Span]:
        """Where somebody speaks, all channels."""
        return [span for spans in self._spans for span in spans]

    def write(self, channel: int, chunks: Iterator[Chunk]) -> None:
        """Encode and upload."""
        for chunk in chunks:
            index = self._count[channel]
            self._count[channel] += 1
            key = f"chunks/ch{channel}/{index:05d}.flac"
            self._upload(key, chunk)
            start_s = round(chunk.start * FRAME_S, 3)
            end_s = round(start_s + len(chunk.pcm) / RATE_HZ, 3)
            self.chunks.append(
                AudioChunk(channel=channel, index=index, start_s=start_s, end_s=end_s, key=key)
            )
            for start, end in chunk.spans:
                self._add_span(channel, round(start * FRAME_S, 3), round(end * FRAME_S, 3))

    def _upload(self, key: str, chunk: Chunk) -> None:
        path = Path(self._call.scratch, "chunk.flac")
        soundfile.write(path, chunk.pcm, RATE_HZ, format="FLAC", subtype="PCM_16")
        self._call.put_file(key, path)
        path.unlink()

    def _add_span(self, channel: int, start_s: float, end_s: float) -> None:
        spans = self._spans[channel]
        if spans and start_s - spans[-1].end_s < TOUCH_S:
            start_s = spans.pop().start_s
        spans.append(Span(channel=channel, start_s=start_s, end_s=end_s))
