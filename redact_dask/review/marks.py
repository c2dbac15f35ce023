"""What is hidden on each frame of a stream: by its copy, and after the edits that are not in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from redact_dask.manifest import streams
from redact_dask.records import Region, Regions
from redact_dask.records.edits import Edit, EditKind
from redact_dask.review.display import Display
from redact_dask.tracking import edited


def regions(root: str, run: str, video: str) -> dict[int, Regions]:
    """Return what a copy hides, by the number of the stream in the source.

    Parameters
    ----------
    root
        URL of the manifest.
    run
        Name of the run that made the copy.
    video
        Id of the video.
    """
    groups = streams.by_stream(root, "regions", streams.REGIONS, [run], video)
    return {group.stream: streams.regions(group.table) for group in groups}


class Marks:
    """What the next copy of a stream will hide, for people to look at.

    Between two frames on which a person has drawn a box, it is on the straight line: the run knows
    how the camera moves, and hides at least this much.

    Parameters
    ----------
    copied
        What the copy hides.
    edits
        The edits in force of the stream.
    followed
        Ids of the edits that the copy follows.
    times
        Presentation time of each frame, seconds.
    display
        How the pictures are shown.
    """

    def __init__(
        self,
        copied: Regions,
        edits: Iterable[Edit],
        followed: frozenset[str],
        times: Sequence[float],
        display: Display,
    ) -> None:
        self._display = display
        in_force = [*edits]
        new = [edit for edit in in_force if edit.id not in followed]
        self.hidden = edited.apply(copied, new, times, display.width, display.height)
        """What will be hidden."""
        self._first_new = int(copied.track.max()) + 1 if len(copied) else 0
        self._drawn = [edit for edit in new if edit.kind is EditKind.HIDE]
        self._shown: dict[int, list[tuple[Edit, Sequence[float]]]] = {}
        for edit in in_force:
            if edit.kind is EditKind.SHOW:
                for frame, *sides in edit.boxes:
                    self._shown.setdefault(frame, []).append((edit, sides))

    def tracks(self) -> list[dict[str, Any]]:
        """Return each track with the spans of frames that it is on, by their first frames."""
        order = np.lexsort((self.hidden.frame, self.hidden.track))
        track, frame = self.hidden.track[order], self.hidden.frame[order]
        is_new = np.diff(track, prepend=-1) != 0
        begins = np.flatnonzero(is_new | (np.diff(frame, prepend=-2) != 1))
        ends = np.append(begins[1:], len(track)) - 1
        found: dict[int, dict[str, Any]] = {}
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True) if len(track) else ():
            number = int(track[begin])
            label, who = self.hidden.kinds[self.hidden.kind[order[begin]]].tolist()
            told = {"track": number, "label": label, "who": who, "edit": self._edit(number)}
            spans = found.setdefault(number, told | {"spans": []})["spans"]
            spans.append([int(frame[begin]), int(frame[end])])
        return sorted(found.values(), key=lambda told: (told["spans"][0], told["track"]))

    def within(self, frames: range) -> list[list[dict[str, Any]]]:
        """Return the marks on each of some consecutive frames."""
        found: dict[int, list[dict[str, Any]]] = {frame: [] for frame in frames}
        for region in self.hidden.within(frames):
            sides = (region.x0, region.y0, region.x1, region.y1)
            edit = self._edit(region.track)
            found[region.frame].append(
                {
                    "kind": "hidden",
                    "box": self._display.shown(sides),
                    "track": region.track,
                    "label": region.label,
                    "why": region.origin,
                    "edit": edit,
                }
            )
        for frame in frames:
            for edit_shown, box in self._shown.get(frame, []):
                found[frame].append(
                    {
                        "kind": "shown",
                        "box": self._display.shown(box),
                        "track": None,
                        "label": edit_shown.label,
                        "why": "shown",
                        "edit": edit_shown.id,
                    }
                )
        return [found[frame] for frame in frames]

    def of_track(self, track: int, frames: range) -> list[Region]:
        """Return what will be hidden of a track on some consecutive frames."""
        return [region for region in self.hidden.within(frames) if region.track == track]

    def _edit(self, track: int) -> str | None:
        """Return the id of the new edit that draws a track; None: the copy has it."""
        number = track - self._first_new
        return self._drawn[number].id if 0 <= number < len(self._drawn) else None
