"""Which recordings a run works on, and how they are shared out to tasks. Pure: lists in, plan out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from switchboard.names import call_id

SIDECARS = frozenset({"csv", "json", "jsonl", "md", "srt", "txt", "vtt", "xml"})
"""Extensions of what lies beside recordings and is none. Anything else below a prefix is tried, and reported
if it is no audio.
"""


@dataclass(frozen=True)
class Recording:
    """An object that exists."""

    uri: str
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class Rejected:
    """A call that no stage gets to see, and why."""

    call_id: str
    uris: tuple[str, ...]
    reason: str
    remedy: str


@dataclass(frozen=True)
class Selection:
    """What a run works on. `calls` are call id and recording, by id; `ignored` counts files that are no
    recordings.
    """

    calls: tuple[tuple[str, Recording], ...]
    rejected: tuple[Rejected, ...] = ()
    ignored: int = 0

    @property
    def total(self) -> int:
        """Calls that the run has to account for."""
        return len(self.calls) + len(self.rejected)


def is_recording(uri: str) -> bool:
    """Whether a file found below a prefix counts as a recording: no folder mark, hidden file or sidecar."""
    name = uri.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(".") and name.rpartition(".")[2].lower() not in SIDECARS


def select_found(found: Iterable[Recording]) -> Selection:
    """The calls among the objects below a prefix."""
    objects = list(found)
    recordings = [each for each in objects if is_recording(each.uri)]
    return _by_id(recordings, ignored=len(objects) - len(recordings))


def select_named(found: Iterable[Recording], missing: Iterable[str]) -> Selection:
    """The calls that were named one by one; `missing` are those of which there is no object."""
    selection = _by_id(found)
    gone = [
        Rejected(
            call_id=call_id(uri),
            uris=(uri,),
            reason="there is no such object",
            remedy="upload the recording again, or leave it out of `calls`",
        )
        for uri in dict.fromkeys(missing)
    ]
    return Selection(selection.calls, (*selection.rejected, *gone))


def _by_id(recordings: Iterable[Recording], ignored: int = 0) -> Selection:
    same_id: dict[str, dict[str, Recording]] = defaultdict(dict)
    for each in recordings:
        same_id[call_id(each.uri)][each.uri] = each
    calls: list[tuple[str, Recording]] = []
    doubles: list[Rejected] = []
    for name, named in sorted(same_id.items()):
        if len(named) == 1:
            calls.extend((name, recording) for recording in named.values())
        else:
            doubles.append(_double(name, tuple(sorted(named))))
    return Selection(tuple(calls), tuple(doubles), ignored)


def _double(name: str, uris: tuple[str, ...]) -> Rejected:
    return Rejected(
        call_id=name,
        uris=uris,
        reason=f"{len(uris)} recordings have the id {name!r}: {', '.join(uris)}",
        remedy="rename all but one: the file name without its extension must be unique in a run",
    )


def share_out(
    calls: Sequence[tuple[str, Recording]], batch_size: int, max_batches: int
) -> list[list[tuple[str, Recording]]]:
    """Batches of about `batch_size` calls each, larger where there would be more than `max_batches` of them.

    Recordings are dealt largest first, one to each batch in turn, so that no batch gets all the long ones.
    """
    if not calls:
        return []
    count = min(math.ceil(len(calls) / batch_size), max_batches)
    dealt = sorted(calls, key=lambda call: (-call[1].size_bytes, call[0]))
    return [sorted(dealt[index::count], key=lambda call: call[0]) for index in range(count)]
