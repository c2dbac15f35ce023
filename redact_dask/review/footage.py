"""The pictures of one video stream, by number: exact frames, decoded on this machine.

They may show faces, so they stay in memory.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import replace
from threading import Lock
from typing import cast

import av
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from redact_dask import storage
from redact_dask.config import EncodeSettings
from redact_dask.errors import VideoError
from redact_dask.media import decode, index
from redact_dask.media.demux import SeveralStreams
from redact_dask.pages.server import NotShown
from redact_dask.review.display import Display

_QUALITY = 88
"""JPEG quality: the marks of a small face are seen, and a frame of 1080p has some 300 KB."""
_KEPT = 192 * 2**20
"""Most bytes of decoded frames that are kept: 60 frames of 1080p, or 15 of 4K."""
_NEAR = 30
"""Frames that are decoded rather than looked for: finding a keyframe opens the file again."""


class Footage:
    """The pictures of one video stream; any thread may ask for one.

    Parameters
    ----------
    url
        URL of the file.
    number
        Number of the video stream in the file, if it has several.

    Raises
    ------
    VideoError
        The file cannot be read, or is no video.
    """

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._index = _scanned(url, number)
        self._chunks = self._index.chunks(0)
        self._starts = [chunk.first_frame for chunk in self._chunks]
        self._lock = Lock()
        self._kept: OrderedDict[int, VideoFrame] = OrderedDict()
        self._bytes = 0
        self._running: Generator[VideoFrame] | None = None
        self._at = 0
        """Number of the frame that is decoded next."""
        self.display = Display.of(self._index.info)

    @property
    def number(self) -> int | None:
        """Number of the stream; None: the file has no other."""
        return self._index.info.number

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self._index.pts)

    @property
    def rate(self) -> float:
        """Average frames a second."""
        return float(self._index.info.rate)

    @property
    def times(self) -> list[float]:
        """Presentation time of each frame, seconds."""
        return [float(pts * self._index.info.time_base) for pts in self._index.pts]

    def jpeg(self, frame: int, width: int) -> bytes:
        """Return a frame as it is shown, as JPEG.

        Parameters
        ----------
        frame
            Number of the frame, from 0.
        width
            Most pixels from left to right; the picture is not enlarged.

        Raises
        ------
        NotShown
            There is no such frame, or it cannot be decoded.
        """
        if frame >= self.frames:
            raise NotShown(f"The video has only {self.frames} frames.")
        try:
            with self._lock:
                decoded = self._decoded(frame)
            return _jpeg(decoded, self.display, width)
        except (VideoError, av.error.FFmpegError, *storage.FAILURES) as error:
            raise NotShown(f"Frame {frame} cannot be shown: {error}.") from error

    def close(self) -> None:
        """Close the file, and forget its pictures."""
        with self._lock:
            self._stop()
            self._kept.clear()
            self._bytes = 0

    def _decoded(self, frame: int) -> VideoFrame:
        """Return a frame, and keep those that are decoded on the way."""
        if frame in self._kept:
            self._kept.move_to_end(frame)
            return self._kept[frame]
        chunk = self._chunks[bisect_right(self._starts, frame) - 1]
        if self._running is None or not chunk.first_frame - _NEAR <= self._at <= frame:
            self._stop()
            onward = replace(chunk, pts=self._index.pts[chunk.first_frame :])
            found = decode.frames(self._url, self._index.info, onward)
            self._running = cast("Generator[VideoFrame]", found)
            self._at = chunk.first_frame
        try:
            for picture in self._up_to(frame, self._running):
                self._keep(picture)
        except BaseException:
            self._stop()
            raise
        return self._kept[frame]

    def _up_to(self, frame: int, running: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        while self._at <= frame:
            yield next(running)
            self._at += 1

    def _keep(self, picture: VideoFrame) -> None:
        if before := self._kept.pop(self._at, None):
            self._bytes -= _size(before)
        self._kept[self._at] = picture
        self._bytes += _size(picture)
        while self._bytes > _KEPT and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.close()
        self._running = None


def _scanned(url: str, number: int) -> index.Index:
    # What is damaged is told frame by frame.
    try:
        return index.scan(url, EncodeSettings(), salvage=True)
    except SeveralStreams:
        return index.scan(url, EncodeSettings(), salvage=True, number=number)


def _size(picture: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in picture.planes)


def _jpeg(picture: VideoFrame, display: Display, width: int) -> bytes:
    scale = min(1.0, width / display.size[0])
    across, down = (max(round(side * scale), 1) for side in (display.stretched, display.height))
    # A reformatter of its own: several threads may want one frame.
    rgb = VideoReformatter().reformat(picture, across, down, "rgb24", interpolation="BILINEAR")
    image: Image.Image = rgb.to_image().rotate(90 * display.turns, expand=True)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
