"""Chunks cut a video exactly, and decoding them apart is decoding the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import fsspec
import pytest

from redact_dask.config import EncodeSettings
from redact_dask.errors import DamagedVideo
from redact_dask.media import index
from redact_dask.media.decode import frames

LENGTHS = (0.01, 0.49, 0.89, 1000.0)
"""Seconds: from chunks of one GOP to one chunk."""


def test_every_frame_is_owned_once_and_in_order(
    any_kind: Path, sequential: Callable[..., list[tuple[int, str]]]
) -> None:
    shown = [pts for pts, _ in sequential(any_kind)]
    scanned = index.scan(str(any_kind), EncodeSettings())
    assert list(scanned.pts) == shown
    assert scanned.info.frames == len(shown)
    for seconds in LENGTHS:
        chunks = scanned.chunks(seconds)
        assert [pts for chunk in chunks for pts in chunk.pts] == shown
        assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
        for before, chunk in pairwise(chunks):
            assert chunk.first_frame == before.last_frame + 1
            ticks = seconds / scanned.info.time_base
            ends = [key.pts for key in scanned.keyframes if key.pts >= before.pts[0] + ticks]
            assert chunk.start.pts == ends[0], "it goes on until the next keyframe, not longer"
    assert len(scanned.chunks(LENGTHS[0])) >= 3
    assert len(scanned.chunks(LENGTHS[-1])) == 1


def test_chunks_decode_as_the_whole_does(
    any_kind: Path,
    sequential: Callable[..., list[tuple[int, str]]],
    chunked: Callable[..., list[tuple[int, str]]],
) -> None:
    whole = sequential(any_kind)
    assert chunked(any_kind, LENGTHS[0]) == whole
    assert chunked(any_kind, LENGTHS[2]) == whole


@pytest.mark.parametrize("kind", ["plain", "transport", "matroska", "motion_jpeg"])
def test_a_video_in_an_object_store_decodes_as_the_local_one(
    kind: str, of_kind: Callable[[str], Path], chunked: Callable[..., list[tuple[int, str]]]
) -> None:
    local = of_kind(kind)
    remote = f"memory://videos/{local.name}"
    fsspec.filesystem("memory").pipe_file(remote, local.read_bytes())
    assert chunked(remote, LENGTHS[0]) == chunked(local, LENGTHS[-1])


def test_leading_pictures_of_an_open_gop_belong_to_the_chunk_in_front(
    of_kind: Callable[[str], Path],
) -> None:
    path = of_kind("open_gop")
    with av.open(path) as container:
        order = [packet.pts for packet in container.demux(video=0) if packet.size]
    first, second, *_ = index.scan(str(path), EncodeSettings()).chunks(LENGTHS[0])
    behind = order[order.index(second.start.pts) :]
    assert min(behind) < second.pts[0], "the clip must have leading pictures"
    assert min(behind) in first.pts


def test_hidden_frames_before_an_edit_belong_to_nobody(of_kind: Callable[[str], Path]) -> None:
    path = of_kind("pre_roll")
    with av.open(path, options={"ignore_editlist": "1"}) as container:
        stored = sum(packet.size > 0 for packet in container.demux(video=0))
    scanned = index.scan(str(path), EncodeSettings())
    first = scanned.chunks(LENGTHS[0])[0]
    assert scanned.info.frames < stored
    assert first.start.pts < first.pts[0]


def test_facts_of_a_clip(plain: Path) -> None:
    info = index.scan(str(plain), EncodeSettings()).info
    assert (info.width, info.height, info.codec, info.audio) == (160, 90, "h264", ("aac",))
    assert info.rate == 30
    assert info.seconds == pytest.approx(48 / 30)


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
    plain: Path, chunked: Callable[..., list[tuple[int, str]]]
) -> None:
    scanned = index.scan(str(plain), EncodeSettings())
    chunk = scanned.chunks(0.01)[1]
    late = replace(chunk, start=replace(chunk.start, place=scanned.pts[-1]))
    assert [frame.pts for frame in frames(str(plain), scanned.info, late)] == list(chunk.pts)
