"""Chunks cut a video exactly."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest
from fixture_types import OfKind, Sequential
from footage import LENGTHS

from redact_dask.config import EncodeSettings
from redact_dask.media import index


def test_every_frame_is_owned_once_and_in_order(any_kind: Path, sequential: Sequential) -> None:
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


def test_leading_pictures_of_an_open_gop_belong_to_the_chunk_in_front(
    of_kind: OfKind,
) -> None:
    path = of_kind("open_gop")
    with av.open(path) as container:
        order = [packet.pts for packet in container.demux(video=0) if packet.size]
    first, second, *_ = index.scan(str(path), EncodeSettings()).chunks(LENGTHS[0])
    behind = order[order.index(second.start.pts) :]
    assert min(behind) < second.pts[0], "the clip must have leading pictures"
    assert min(behind) in first.pts


def test_hidden_frames_before_an_edit_belong_to_nobody(of_kind: OfKind) -> None:
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
