"""Reserves a worker process's memory for videos, so that together they never need too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from av.video.format import VideoFormat

from redact_dask import detectors
from redact_dask.config import DetectSettings
from redact_dask.detectors.base import SizedOptions
from redact_dask.errors import TooLarge
from redact_dask.records import StreamInfo

BASE_MIB = 305
"""Memory that a task takes whatever the size of its pictures, for Dask and libraries, MiB."""
PICTURES = {"h264": 40, "hevc": 52}
"""Pictures that a decoder and an encoder hold together, by the codec of the copy."""
USABLE = 0.95
"""Share of its memory limit beyond which Dask ends a worker, unless
``distributed.worker.memory.terminate`` is set otherwise."""


def needed_mib(
    width: int, height: int, pixel_format: str, codec: str, detect: DetectSettings
) -> float:
    """Return the most memory that a thread takes to look at a video, or to encode it, MiB.

    The memory is ``BASE_MIB + PICTURES[codec] * picture``, where ``picture`` is the size of a
    picture's planes in MiB, and what the networks hold.

    The two constants come from the highest resident memory of a worker with one thread
    (``benchmarks/memory.py``), with x264's ``veryfast`` and CenterFace at 640 pixels. It was

    - 435 MiB for pictures of 1920x1080, 8 bit 4:2:0, 3.0 MiB each;
    - 791 MiB for 3840x2160, 11.9 MiB each;
    - 2021 MiB for 7680x4320, 47.5 MiB each.

    ``superfast`` takes less. x265's ``superfast`` takes 4 MiB more than x264's ``veryfast`` in
    1080p, and 133 MiB more in 4K.

    Parameters
    ----------
    width, height
        Size of the stored picture, pixels.
    pixel_format
        FFmpeg's name of the picture's format.
    codec
        Codec of the copy, ``h264`` or ``hevc``.
    detect
        Names the detectors, and how large a picture they see.
    """
    planes = VideoFormat(pixel_format, width, height).components
    picture = sum(plane.width * plane.height * -(-plane.bits // 8) for plane in planes)
    found = (detectors.options(name, detect.options.get(name, {})) for name in detect.detectors)
    networks = (
        options.memory_mib(width, height) for options in found if isinstance(options, SizedOptions)
    )
    return BASE_MIB + PICTURES[codec] * picture / 2**20 + sum(networks)


class Memory:
    """Memory that the threads of one process reserve; a thread waits until there is enough."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._reserved = 0.0

    @contextmanager
    def reserved(
        self, info: StreamInfo, codec: str, detect: DetectSettings, limit: int | None
    ) -> Iterator[None]:
        """Run the block when there is room for a video beside those that other threads work on.

        Parameters
        ----------
        info
            What the video's stream is.
        codec
            Codec of its copy.
        detect
            Settings of the detectors that look at the video.
        limit
            Memory limit of the process, bytes; None: there is always room.

        Raises
        ------
        TooLarge
            The video would not fit even if it were alone.
        """
        if limit is None:
            yield
            return
        needed = needed_mib(info.width, info.height, info.pixel_format, codec, detect)
        usable = limit * USABLE / 2**20
        if needed > usable:
            raise TooLarge(
                f"{info.width}x{info.height} in {info.pixel_format} needs about "
                f"{needed:.0f} MiB a thread, and a worker may use {usable:.0f} MiB; "
                "give workers more memory"
            )
        # Only one thread waits here at a time, so that small videos cannot keep overtaking a large
        # one.
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._reserved + needed <= usable)
            self._reserved += needed
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= needed
                self._changed.notify_all()
