"""The stage: chunks and speech in, turns out."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import soundfile
from pydantic import Field

from diarization.clustering import STEP_S, Pooled, cluster, describe
from diarization.turns import by_channel, by_frames
from switchboard_stage import CallContext, Params, Stage
from switchboard_stage.features import Array
from switchboard_stage.models import AudioChunk, AudioManifest, Span, Turn, Turns

Times = npt.NDArray[np.float64]


class DiarizationParams(Params):
    """`max_speakers`: on one channel; two channels are two speakers."""

    max_speakers: int = Field(default=2, ge=1, le=8)


class Diarization(Stage[DiarizationParams]):
    """Who speaks when: by channel where there are two, by voice where there is one."""

    name = "diarization"
    inputs = ("preprocess",)
    params_type = DiarizationParams

    def process(self, call: CallContext) -> None:
        """Writes `turns.json`."""
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        if manifest.source.channels > 1:
            turns = Turns(method="channel", turns=by_channel(manifest.speech))
        else:
            turns = Turns(method="clustering", turns=self._by_voice(call, manifest))
        call.write_model("turns.json", turns)

    def _by_voice(self, call: CallContext, manifest: AudioManifest) -> tuple[Turn, ...]:
        spans = manifest.speech_of(0)
        times: list[float] = []
        kept: list[Pooled] = []
        for chunk, samples in _chunks(call, manifest):
            features = describe(samples)
            starts: Times = np.asarray(chunk.start_s + np.arange(len(features.pitch)) * STEP_S, np.float64)
            inside = _inside(starts + STEP_S / 2, spans)
            times.extend(starts[inside].tolist())
            kept.append(Pooled(features.cepstra[inside], features.pitch[inside]))
        cepstra = np.concatenate([k.cepstra for k in kept])
        if not len(cepstra):
            return by_channel(spans)
        labels = cluster(cepstra, np.concatenate([k.pitch for k in kept]), self.params.max_speakers)
        return by_frames(spans, times, labels.tolist(), STEP_S)


def _chunks(call: CallContext, manifest: AudioManifest) -> Iterator[tuple[AudioChunk, Array]]:
    for chunk in manifest.chunks_of(0):
        path = call.fetch_input("preprocess", chunk.key)
        samples, _ = soundfile.read(path, dtype="float32")
        path.unlink()
        yield chunk, samples


def _inside(times: Times, spans: tuple[Span, ...]) -> npt.NDArray[np.bool_]:
    starts = np.array([span.start_s for span in spans])
    ends = np.array([span.end_s for span in spans])
    place = np.searchsorted(starts, times, side="right") - 1
    return (place >= 0) & (times < ends[np.maximum(place, 0)])
