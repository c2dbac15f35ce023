"""The doubts about what is hidden: tracks that end, have gaps, or are weak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redact_dask.records import ORIGINS, Detections, RegionOrigin, Regions
from redact_dask.records.edits import EditKind
from redact_dask.review.coverage import HIDDEN, SAME, boxes_of, covered
from redact_dask.review.doubts import Doubt, Kind, Stream

SURE = 0.5
"""Confidence from which a detector is sure of a thing."""
_EVIDENCE_S = 0.5
"""Seconds before the end of a track within which a detection proves that it was seen until then."""
_AFTER_S = 1.0
"""Seconds beyond a track's end in which a person should look for the thing."""
_LONG_GAP_S = 0.5
"""Least length of a gap that is doubted, seconds."""
_PADDED = 0.9
"""Share of the longest padding from which on padding was not cut off, by a cut for one."""


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


def doubts(stream: Stream, share: NDArray[np.float64], row: NDArray[np.intp]) -> Iterator[Doubt]:
    """Yield the doubts about what is hidden."""
    regions = stream.regions
    if not len(regions):
        return
    confidence = np.zeros(len(regions))
    same = share >= SAME
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
        if is_inside and not is_cut and confidence >= SURE:
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
    if 0 < confidence < SURE:
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
