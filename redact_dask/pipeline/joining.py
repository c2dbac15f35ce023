"""Making the file of a video from its segments, and checking it; nothing is published here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from redact_dask.errors import CheckFailed
from redact_dask.media import cameras, mux, verify
from redact_dask.media.packets import UnfitToTake
from redact_dask.pipeline import proving
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.rendering import all_encoded
from redact_dask.pipeline.timing import Timer
from redact_dask.records import Damage, Footage, Probed, Regions, Rendered, Tracked


class Planned(NamedTuple):
    """What a video stream shows, and what must be hidden in it."""

    footage: Footage
    hidden: Regions
    """Its regions, without those of damaged frames."""
    damage: tuple[Damage, ...]
    """Its frames that are black."""


def planned(
    job: Job,
    probed: Probed,
    tracked: Sequence[Tracked],
    rendered: Sequence[Rendered],
    regions: Sequence[Regions],
) -> list[Planned]:
    """Put together what each video stream shows, and check that nothing to hide is copied.

    Parameters
    ----------
    job
        Job of the video.
    probed
        What the streams are.
    tracked, regions
        The plan of each stream, and its regions, in the order of the streams.
    rendered
        The chunks of all streams.

    Raises
    ------
    CheckFailed
        A copied segment holds a frame with something to hide, a plan is that of another stream, or
        not all frames were rendered.
    """
    found = []
    for stream, plan, own in zip(probed.streams, tracked, regions, strict=True):
        number = stream.info.number
        made = [chunk for chunk in rendered if chunk.stream == number]
        segments = tuple(segment for chunk in made for segment in chunk.segments)
        hidden = proving.hidden_in(own, plan.damage)
        with cameras.named(number):
            if plan.stream != number:
                raise CheckFailed("its plan is that of another stream; run again, and report it")
            if (frames := sum(chunk.frames for chunk in made)) != len(stream.pts):
                raise CheckFailed(f"of {len(stream.pts)} frames, {frames} were rendered")
            covered = job.covered(stream.info) is not None
            proving.check_plan(segments, hidden, all_hide=covered)
        shown = Footage(segments, stream.pts, stream.info, plan.packets, plan.pictures)
        found.append(Planned(shown, hidden, plan.damage))
    return found


def make(path: Path, job: Job, streams: Sequence[Planned], timer: Timer) -> str:
    """Write the file, and check it against the source and the plan.

    Return why GOPs that were copied or taken are encoded after all, as they do not fit; empty: they
    are not.

    Raises
    ------
    CheckFailed
        The result is not exactly what was planned, or shows what was to be hidden.
    """
    videos = [plan.footage for plan in streams]
    why_encoded = _why_unfit(path, job, videos, timer)
    if why_encoded:
        for place, (footage, hidden, _) in enumerate(streams):
            with cameras.named(footage.info.number):
                videos[place] = all_encoded(job, footage, hidden, timer)
        _check(path, job, videos, _write(path, job, videos, timer), timer)
    with timer.step("prove"):
        for place, (footage, plan) in enumerate(zip(videos, streams, strict=True)):
            only_or_place = place if len(videos) > 1 else None
            hidden, damage = plan.hidden, plan.damage
            with cameras.named(footage.info.number):
                proving.check_pictures(str(path), job, footage, hidden, damage, only_or_place)
    return why_encoded


def _why_unfit(path: Path, job: Job, videos: Sequence[Footage], timer: Timer) -> str:
    """Write the file, and check it; return why what is copied or taken does not fit, if so."""
    has_copies = any(footage.has_copies for footage in videos)
    has_taken = any(footage.has_taken for footage in videos)
    try:
        written = _write(path, job, videos, timer)
    except UnfitToTake as error:
        return str(error)
    try:
        _check(path, job, videos, written, timer)
    except CheckFailed as error:
        if not has_copies and not has_taken:
            raise
        kind = "taken" if has_taken else "copied"
        return f"{kind} GOPs do not fit beside encoded ones: {error}"
    return ""


def _write(
    path: Path, job: Job, videos: Sequence[Footage], timer: Timer
) -> tuple[mux.Written, ...]:
    with timer.step("mux"):
        return mux.write(path, videos, job.video.source, job.config.output)


def _check(
    path: Path, job: Job, videos: Sequence[Footage], written: Sequence[mux.Written], timer: Timer
) -> None:
    """Check the joined video; the whole of it is decoded if it must be, or if little is copied."""
    is_quick = job.config.check == "quick"
    known = [own if own.copies_are_known and is_quick else None for own in written]
    with timer.step("check"):
        verify.verify(path, videos, job.video.source, job.config.output, known)
