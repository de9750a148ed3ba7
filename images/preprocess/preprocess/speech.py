"""Voice activity, and chunks that end in pauses; one channel, frame by frame, in constant memory."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import webrtcvad

from preprocess.decode import RATE_HZ, Samples

FRAME = RATE_HZ * 30 // 1000
"""Samples in a frame: 30 ms, the longest that WebRTC's detector takes."""
FRAME_S = FRAME / RATE_HZ
AGGRESSIVENESS = 2
"""Of WebRTC's detector, 0 to 3: 3 clips soft word ends, 1 takes line noise for speech."""
FLOOR = 10 ** (-60 / 20)
"""Quieter frames (RMS, 1.0 is full scale) are never speech: the detector adapts to digital near-silence."""
ONSET = 10, 6
"""Speech begins where 6 of 10 frames are voiced: clicks and breaths do not begin a chunk."""
JOIN_FRAMES = 10
"""Voiced stretches with a shorter gap (0.3 s) are one."""
LEAST_FRAMES = 4
"""Shorter voiced stretches (0.12 s) are noise."""
PAD_FRAMES = 8
"""Kept before and after speech (0.24 s): detectors hear soft consonants late."""
PAUSE_FRAMES = 16
"""A pause in which a chunk may end (0.5 s)."""
SILENCE_FRAMES = 60
"""A pause in which every chunk ends (1.8 s)."""
WANTED_S = 10.0
"""From this length on a chunk ends in the next pause."""

Pcm = npt.NDArray[np.int16]


class Chunk(NamedTuple):
    """Sound with speech in it; spans are (start, end). All in frames from the call's start."""

    start: int
    pcm: Pcm
    spans: tuple[tuple[int, int], ...]


class Chunker:
    """Feed it a channel's samples, take chunks of at most `most_s` seconds."""

    def __init__(self, most_s: float) -> None:
        self._detector = webrtcvad.Vad(AGGRESSIVENESS)
        self._most = int(most_s / FRAME_S)
        self._wanted = min(int(WANTED_S / FRAME_S), self._most)
        self._rest: Pcm = np.zeros(0, np.int16)
        self._recent: deque[bool] = deque(maxlen=ONSET[0])
        self._start = 0
        """Frame that the pending ones begin with."""
        self._frames: list[Pcm] = []
        self._voiced: list[bool] = []
        self._active = False

    def feed(self, samples: Samples) -> Iterator[Chunk]:
        """Chunks that are ready after these samples (1.0 is full scale)."""
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        pcm = np.concatenate([self._rest, pcm])
        whole = len(pcm) // FRAME * FRAME
        self._rest = pcm[whole:]
        frames = pcm[:whole].reshape(-1, FRAME)
        for frame, level in zip(frames, levels(frames), strict=True):
            yield from self._add(frame, loud=level > FLOOR)

    def finish(self) -> Iterator[Chunk]:
        """The last chunk."""
        if len(self._rest):
            frame = np.pad(self._rest, (0, FRAME - len(self._rest)))
            yield from self._add(frame, loud=True)
        if self._active:
            yield from self._cut(len(self._frames))

    def _add(self, frame: Pcm, *, loud: bool) -> Iterator[Chunk]:
        voiced = loud and self._detector.is_speech(frame.tobytes(), RATE_HZ)
        self._frames.append(frame)
        self._voiced.append(voiced)
        self._recent.append(voiced)
        if not self._active:
            self._active = sum(self._recent) >= ONSET[1]
            if not self._active:
                self._drop(len(self._frames) - ONSET[0] - PAD_FRAMES)
            return
        quiet = self._quiet_tail()
        if quiet >= SILENCE_FRAMES or (quiet >= PAUSE_FRAMES and len(self._frames) - quiet >= self._wanted):
            yield from self._cut(len(self._frames) - quiet + min(quiet, PAD_FRAMES))
            self._active = False
        elif len(self._frames) >= self._most:
            yield from self._cut(self._best_cut())

    def _quiet_tail(self) -> int:
        for back, voiced in enumerate(reversed(self._voiced)):
            if voiced:
                return back
        return len(self._voiced)

    def _best_cut(self) -> int:
        """Middle of the longest pause in the later half; without one, the quietest frame of the last
        quarter.
        """
        half, end = len(self._frames) // 2, len(self._frames)
        pauses = [(to - start, (start + to) // 2) for start, to in runs(self._voiced[half:], of=False)]
        longest, middle = max(pauses, default=(0, 0))
        if longest >= 3:
            return half + middle
        last = end - end // 4
        return last + int(np.argmin(levels(np.stack(self._frames[last:])))) + 1

    def _cut(self, at: int) -> Iterator[Chunk]:
        spans = spans_of(self._voiced[:at])
        if spans:
            placed = tuple((self._start + a, self._start + b) for a, b in spans)
            yield Chunk(self._start, np.concatenate(self._frames[:at]), placed)
        self._drop(at)

    def _drop(self, count: int) -> None:
        if count > 0:
            del self._frames[:count], self._voiced[:count]
            self._start += count


def levels(frames: Pcm) -> npt.NDArray[np.float64]:
    """Root mean square of each frame; 1.0 is full scale."""
    level: npt.NDArray[np.float64] = np.sqrt(np.mean(np.square(frames / 32767), axis=1))
    return level


def runs(flags: list[bool], *, of: bool) -> list[tuple[int, int]]:
    """Stretches of `of` in `flags`, as (start, end)."""
    padded = np.concatenate([[not of], flags, [not of]]) == of
    edges = np.flatnonzero(np.diff(padded.astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def spans_of(voiced: list[bool]) -> list[tuple[int, int]]:
    """Voiced stretches, joined over short gaps, without those too short to be speech."""
    joined: list[tuple[int, int]] = []
    for start, end in runs(voiced, of=True):
        if joined and start - joined[-1][1] < JOIN_FRAMES:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return [(a, b) for a, b in joined if b - a >= LEAST_FRAMES]
