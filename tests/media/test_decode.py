"""Decoding chunks apart is decoding the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import fsspec
import numpy as np
import pytest
from fixture_types import Chunked, OfKind, Sequential
from footage import LENGTHS

from redact_dask.config import EncodeSettings
from redact_dask.errors import CheckFailed, DamagedVideo
from redact_dask.media import index
from redact_dask.media.decode import frames, frames_at


def test_chunks_decode_as_the_whole_does(
    any_kind: Path,
    sequential: Sequential,
    chunked: Chunked,
) -> None:
    whole = sequential(any_kind)
    assert chunked(any_kind, LENGTHS[0]) == whole
    assert chunked(any_kind, LENGTHS[2]) == whole


@pytest.mark.parametrize("kind", ["plain", "transport", "matroska", "motion_jpeg"])
def test_a_video_in_an_object_store_decodes_as_the_local_one(
    kind: str, of_kind: OfKind, chunked: Chunked
) -> None:
    local = of_kind(kind)
    remote = f"memory://videos/{local.name}"
    fsspec.filesystem("memory").pipe_file(remote, local.read_bytes())
    assert chunked(remote, LENGTHS[0]) == chunked(local, LENGTHS[-1])


def test_a_frame_that_is_not_there_is_an_error(plain: Path) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    chunk = scanned.chunks(1000)[0]
    more = replace(chunk, pts=(*chunk.pts[:5], chunk.pts[4] + 1, *chunk.pts[5:]))
    with pytest.raises(DamagedVideo, match="is missing"):
        list(frames(str(plain), scanned.info, more))
    longer = replace(chunk, pts=(*chunk.pts, chunk.pts[-1] + 512))
    with pytest.raises(DamagedVideo, match="ends before"):
        list(frames(str(plain), scanned.info, longer))


def test_a_keyframe_that_is_not_there_is_an_error(plain: Path) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    chunk = scanned.chunks(0.01)[1]
    moved = replace(chunk, start=replace(chunk.start, size=chunk.start.size + 1))
    with pytest.raises(DamagedVideo, match=r"keyframe .* not found"):
        list(frames(str(plain), scanned.info, moved))


def test_a_seek_that_lands_behind_its_keyframe_is_repeated_from_the_beginning(
    plain: Path, chunked: Chunked
) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    chunk = scanned.chunks(0.01)[1]
    late = replace(chunk, start=replace(chunk.start, place=scanned.pts[-1]))
    assert [frame.pts for frame in frames(str(plain), scanned.info, late)] == list(chunk.pts)


def test_frames_at_some_times_are_those_of_the_whole_video(clip: Path) -> None:
    with av.open(clip) as container:
        every = [(one.pts * one.time_base, one.to_ndarray()) for one in container.decode(video=0)]
    chosen = [every[number] for number in (0, 14, 15, 47, 89)]
    found = [frame.to_ndarray() for frame in frames_at(str(clip), [time for time, _ in chosen])]
    assert len(found) == len(chosen)
    assert all(map(np.array_equal, found, (picture for _, picture in chosen)))
    with pytest.raises(CheckFailed, match="has no frame at"):
        list(frames_at(str(clip), [every[3][0], every[-1][0] + 1]))
