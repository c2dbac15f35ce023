"""What gives reason to doubt a video stream, from what was detected and hidden in it.

Each doubt has a weight between 0 and 1. That of what nothing hides is measured: about the share of
such doubts that name a readable face, on two annotated clips (``docs/pages/review.md``). The others
are chosen, since those clips have too few of them: a doubt about what is hidden counts less than
one about what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, Detections, RegionOrigin, Regions
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review import sights
from redact_dask.review.coverage import boxes_of, covered

HIDDEN = 0.75
"""Least share of a detection that a region covers so that it counts as hidden."""
_SAME = 0.5
"""Least share of a detection that a region covers whose track it belongs to."""
_SURE = 0.5
"""Confidence from which a detector is sure of a thing."""
_EVIDENCE_S = 0.5
"""Seconds before the end of a track within which a detection proves that it was seen until then."""
_AFTER_S = 1.0
"""Seconds beyond a track's end in which a person should look for the thing."""
_LARGE = 32.0
"""Height from which on a thing counts in full, pixels: below 16, hardly anybody is recognised."""
_LONG_GAP_S = 0.5
"""Least length of a gap that is doubted, seconds."""
_PADDED = 0.9
"""Share of the longest padding from which on padding was not cut off, by a cut for one."""

Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, pixels of the stored picture."""


class Kind(StrEnum):
    """Why a place is doubted."""

    LEAK = "leak"
    """A person has said so in an audit. Weight 1: somebody saw it."""
    OPEN = "open"
    """Detectors saw it, and nothing hides it. Weight: its highest confidence; less if it was seen
    once or twice only, since noise seldom stays, and if it is too small to be recognised."""
    SHOWN = "shown"
    """A person shows it, though a detector is sure. Weight: half the confidence. Somebody has
    decided, but a mistake there is a leak."""
    ENDS = "ends"
    """A track ends inside the picture, where it was seen well. Weight: 0.2 of the confidence. Most
    things have turned away by then, and padding covers them for a while."""
    BEGINS = "begins"
    """A track begins there. Weight: 0.1 of the confidence. Things come from afar, and what is too
    small to be seen can seldom be recognised."""
    GAP = "gap"
    """A track was not seen for long. Weight: 0.1 for a second or more. Between, it is hidden on the
    way that it most likely took."""
    ONCE = "once"
    """A track was seen on one frame only. Weight: 0.1. Something to hide may be there for longer,
    but it is more often nothing."""
    ALONE = "alone"
    """One of several detectors saw a track. Weight: 0.1, as for ``ONCE``."""
    WEAK = "weak"
    """No detector was sure of a track. Weight: 0.05. It is hidden, so it can only be hidden in vain
    or not for long enough."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place in a video at which a person should look."""

    kind: Kind
    stream: int
    """Number of the video stream in the source, from 0."""
    track: int | None
    """Number of the track in the stream; None: nothing hides it, so it has none."""
    box: Box | None
    """Where the thing is at its surest, or at the end of its track; None: somewhere."""
    first: int
    """First frame to look at."""
    last: int
    """Last frame to look at."""
    start_s: float
    """Presentation time of the first frame, seconds."""
    label: str
    """What the thing is, such as ``face``."""
    weight: float
    """How much it counts, 0 to 1."""
    why: str
    """The reason, for a person."""


@dataclass(frozen=True)
class Stream:
    """What the manifest tells of a video stream."""

    number: int
    """Number of the stream in the source, from 0."""
    frames: int
    """Number of frames."""
    seconds: float
    """Length."""
    detections: Detections
    """What was detected of the labels that are to be hidden, by frame."""
    times: NDArray[np.float64]
    """Presentation time of each detection, seconds; shape (detections,)."""
    regions: Regions
    """What is hidden, by frame."""
    edits: Sequence[Edit] = ()
    """The edits of the stream that are in force, whether its copy follows them or not."""

    @property
    def rate(self) -> float:
        """Average frame rate, frames a second."""
        return self.frames / max(self.seconds, 1e-3)

    @cached_property
    def edited(self) -> Regions:
        """What the edits hide or show."""
        return boxes_of(self.edits)

    def time(self, frame: int) -> float:
        """Return the presentation time of a frame, seconds, or about that."""
        place = int(np.searchsorted(self.detections.frame, frame))
        if place < len(self.times) and self.detections.frame[place] == frame:
            return float(self.times[place])
        near = [at for at in (place - 1, place) if 0 <= at < len(self.times)]
        if not near:
            return frame / self.rate
        known = min(near, key=lambda at: abs(int(self.detections.frame[at]) - frame))
        away = (frame - int(self.detections.frame[known])) / self.rate
        return max(float(self.times[known]) + away, 0.0)

    def doubt(
        self,
        kind: Kind,
        frames: tuple[float, float],
        box: NDArray[np.float64] | None,
        label: str,
        weight: float,
        why: str,
        track: int | None = None,
    ) -> Doubt:
        """Return a doubt about some frames, as far as the stream has them."""
        first = min(max(round(frames[0]), 0), self.frames - 1)
        last = min(max(round(frames[1]), first), self.frames - 1)
        sides = None if box is None else (*box.tolist(),)
        at = self.time(first)
        return Doubt(kind, self.number, track, sides, first, last, at, label, weight, why)


def of_stream(stream: Stream) -> list[Doubt]:
    """Return all doubts about a stream that no edit has settled, but for those of audits."""
    seen = stream.detections
    share, row = covered(seen.frame, seen.box, stream.regions)
    tracks = (doubt for doubt in _tracks(stream, share, row) if not _is_settled(doubt, stream))
    return [*_open(stream, share), *_shown(stream), *tracks]


def of_audit(stream: Stream, frame: int, judge: str, label: str) -> Iterator[Doubt]:
    """Yield the doubt about a frame that somebody has called a leak, unless an edit hides there."""
    hides = (edit.boxes for edit in stream.edits if edit.kind is EditKind.HIDE)
    if not any(boxes[0][0] <= frame <= boxes[-1][0] for boxes in hides):
        why = f"{judge} has called it a leak in an audit"
        yield stream.doubt(Kind.LEAK, (frame, frame), None, label, 1.0, why)


def _is_settled(doubt: Doubt, stream: Stream) -> bool:
    """Tell whether an edit hides or shows something at the place of a doubt."""
    if doubt.box is None or not stream.edits:
        return False
    near = stream.edited.within(range(doubt.first, doubt.last + 1)).box
    (x0, y0, x1, y1) = doubt.box
    is_across = (near[:, 0] < x1) & (near[:, 2] > x0)
    return bool((is_across & (near[:, 1] < y1) & (near[:, 3] > y0)).any())


def _open(stream: Stream, share: NDArray[np.float64]) -> Iterator[Doubt]:
    """Yield what was detected, but nothing hides."""
    seen = stream.detections[share < HIDDEN]
    for kind, least in ((EditKind.HIDE, HIDDEN), (EditKind.SHOW, _SAME)):
        if edits := [edit for edit in stream.edits if edit.kind is kind]:
            seen = seen[covered(seen.frame, seen.box, boxes_of(edits))[0] < least]
    for sight in sights.linked(seen, stream.rate):
        best = sight[seen.confidence[sight].argmax()]
        confidence, times = float(seen.confidence[best]), len(sight)
        large = min(float(seen.box[best, 3] - seen.box[best, 1]) / _LARGE, 1.0)
        yield stream.doubt(
            Kind.OPEN,
            (seen.frame[sight[0]], seen.frame[sight[-1]]),
            seen.box[best],
            str(seen.kinds[seen.kind[best], 0]),
            confidence * large * times / (times + 1.0),
            f"seen {_times(times)}, at best with {confidence:.2f}, and not hidden",
        )


def _shown(stream: Stream) -> Iterator[Doubt]:
    """Yield what people show, though a detector is sure of it."""
    seen = stream.detections
    for edit in stream.edits:
        if edit.kind is not EditKind.SHOW or not len(seen):
            continue
        share, _ = covered(seen.frame, seen.box, boxes_of([edit]))
        there = np.flatnonzero((share >= _SAME) & (seen.confidence >= _SURE))
        if len(there):
            best = there[seen.confidence[there].argmax()]
            confidence = float(seen.confidence[best])
            yield stream.doubt(
                Kind.SHOWN,
                (edit.boxes[0][0], edit.boxes[-1][0]),
                seen.box[best],
                edit.label,
                0.5 * confidence,
                f"{edit.by} shows it, and a detector is sure with {confidence:.2f}",
            )


@dataclass(frozen=True, slots=True)
class _Track:
    """What is known of a track that detectors found."""

    number: int
    rows: NDArray[np.intp]
    """Its regions, by frame."""
    seen: NDArray[np.intp]
    """Those on whose frames it was detected."""
    confidence: NDArray[np.float64]
    """Highest confidence at each of those; 0: that of another frame enlarged the region."""


def _tracks(stream: Stream, share: NDArray[np.float64], row: NDArray[np.intp]) -> Iterator[Doubt]:
    """Yield the doubts about what is hidden."""
    regions = stream.regions
    if not len(regions):
        return
    confidence = np.zeros(len(regions))
    same = share >= _SAME
    np.maximum.at(confidence, row[same], stream.detections.confidence[same])
    order = np.lexsort((regions.frame, regions.track))
    cuts = np.flatnonzero(np.diff(regions.track[order])) + 1
    detected, drawn = (
        ORIGINS.index(origin) for origin in (RegionOrigin.DETECTED, RegionOrigin.DRAWN)
    )
    is_shown = np.zeros(len(regions), np.bool_)
    if shows := [edit for edit in stream.edits if edit.kind is EditKind.SHOW]:
        is_shown = covered(regions.frame, regions.box, boxes_of(shows))[0] >= HIDDEN
    found = []
    for rows in np.split(order, cuts):
        seen = rows[regions.origin[rows] == detected]
        if len(seen) and regions.origin[rows[0]] != drawn and not is_shown[rows].any():
            number = int(regions.track[rows[0]])
            found.append(_Track(number, rows, seen, confidence[seen]))
    several = _names(stream.detections)
    gaps = [np.diff(regions.frame[track.seen]) for track in found]
    usual = float(np.median(np.concatenate(gaps))) if any(map(len, gaps)) else 1.0
    least_gap = max(_LONG_GAP_S * stream.rate, 2.5 * usual)
    pads = [_pads(track, regions) for track in found]
    longest = np.max(pads, axis=0, initial=0) if pads else (0, 0)
    for track, pad in zip(found, pads, strict=True):
        yield from _ends(stream, track, pad, (float(longest[0]), float(longest[1])))
        yield from _inside(stream, track, several, least_gap)


def _pads(track: _Track, regions: Regions) -> tuple[int, int]:
    """Return the frames by which a track is prolonged at its begin and at its end."""
    first, begin = regions.frame[track.rows[0]], regions.frame[track.seen[0]]
    end, last = regions.frame[track.seen[-1]], regions.frame[track.rows[-1]]
    return int(begin - first), int(last - end)


def _ends(
    stream: Stream, track: _Track, pad: tuple[int, int], longest: tuple[float, float]
) -> Iterator[Doubt]:
    """Yield the ends of a track that lie inside the picture, and at no cut.

    Padding stops at a cut, at the video's end, and where the thing has left the picture: then it is
    shorter than that of other tracks.
    """
    regions = stream.regions
    border = _border(stream)
    for end, kind, weight in ((-1, Kind.ENDS, 0.2), (0, Kind.BEGINS, 0.1)):
        row, at = track.rows[end], track.seen[end]
        is_inside = bool(np.all(regions.box[at, :2] > 0) and np.all(regions.box[at, 2:] < border))
        near = np.abs(regions.frame[track.seen] - regions.frame[at]) <= _EVIDENCE_S * stream.rate
        confidence = float(track.confidence[near].max())
        stop = int(regions.frame[row])
        is_cut = pad[end] < _PADDED * longest[end] or stop in (0, stream.frames - 1)
        if is_inside and not is_cut and confidence >= _SURE:
            after = _AFTER_S * stream.rate
            frames = (stop - after, stop) if end == 0 else (stop, stop + after)
            verb = "begins" if end == 0 else "ends"
            why = f"its track {verb} inside the picture, and was seen with {confidence:.2f} there"
            label = str(regions.kinds[regions.kind[row], 0])
            box = regions.box[row]
            yield stream.doubt(kind, frames, box, label, weight * confidence, why, track.number)


def _inside(
    stream: Stream, track: _Track, several: dict[str, set[str]], least_gap: float
) -> Iterator[Doubt]:
    """Yield the doubts about a track between its ends."""
    regions = stream.regions
    frames = regions.frame[track.seen]
    label, names = regions.kinds[regions.kind[track.rows[0]]].tolist()
    best = track.seen[track.confidence.argmax()]
    confidence = float(track.confidence.max())
    whole = (frames[0], frames[-1])
    gaps = np.diff(frames)
    if gaps.max(initial=0) >= least_gap:
        longest = int(gaps.argmax())
        seconds = float(gaps[longest]) / stream.rate
        why = f"not seen for {seconds:.1f} s, and hidden on the way between"
        weight, place = 0.1 * min(seconds, 1.0), (frames[longest], frames[longest + 1])
        box = regions.box[track.seen[longest]]
        yield stream.doubt(Kind.GAP, place, box, label, weight, why, track.number)
    box = regions.box[best]
    if len(frames) == 1:
        why = f"seen on one frame only, with {confidence:.2f}"
        yield stream.doubt(Kind.ONCE, whole, box, label, 0.1, why, track.number)
    if len(several.get(label, ())) > 1 and "," not in names:
        others = ", ".join(sorted(several[label] - {names}))
        why = f"{names} saw it, and {others} did not"
        yield stream.doubt(Kind.ALONE, whole, box, label, 0.1, why, track.number)
    if 0 < confidence < _SURE:
        why = f"no detector was sure: at best with {confidence:.2f}"
        yield stream.doubt(Kind.WEAK, whole, box, label, 0.05, why, track.number)


def _border(stream: Stream) -> NDArray[np.float64]:
    """Return the right and lower border of the picture, as far as boxes that touch it tell.

    The manifest does not tell the size. Boxes are clipped to it, which is a whole number.
    """
    boxes = np.concatenate([stream.regions.box, stream.detections.box])[:, 2:]
    most = boxes.max(axis=0)
    return np.where(most == np.round(most), most, np.inf)


def _names(seen: Detections) -> dict[str, set[str]]:
    """Return the detectors that saw something of each label."""
    found: dict[str, set[str]] = {}
    for label, name in seen.kinds.tolist():
        found.setdefault(label, set()).add(name)
    return found


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
