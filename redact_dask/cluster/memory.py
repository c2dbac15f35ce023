"""The memory of a worker process: what a video takes is reserved, so that none takes too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from av.video.format import VideoFormat

from redact_dask import detectors
from redact_dask.config import DetectSettings
from redact_dask.detectors.network import NetworkOptions
from redact_dask.errors import TooLarge
from redact_dask.records import StreamInfo

BASE_MIB = 305
"""What a task takes whatever the size of its pictures: Dask, libraries, MiB."""
PICTURES = 40
"""Pictures that a decoder and an encoder hold between them."""
NETWORK_MIB = 125
"""What a network holds for a million pixels that it sees, MiB: CenterFace's resident memory grew by
456 MiB for an input of 2560x1440 in f32, and by 313 in bf16; the others take less."""
USABLE = 0.95
"""Share of its memory limit beyond which Dask ends a worker, unless it is told otherwise
(``distributed.worker.memory.terminate``)."""


def needed_mib(width: int, height: int, pixel_format: str, detect: DetectSettings) -> float:
    """Return the memory that a thread takes at most to look at a video, or to encode it, MiB.

    That is ``BASE_MIB + PICTURES * picture + NETWORK_MIB * input``, where a picture has the bytes
    of its planes, and the input the millions of pixels that the networks see. Source of the first
    two: the highest resident memory of a worker with one thread (``benchmarks/memory.py``) with
    x264's ``veryfast`` and a network's input of 640 pixels, which was 435 MiB for pictures of
    1920x1080, 8 bit 4:2:0, 3.0 MiB each, 791 MiB for 3840x2160, 11.9 MiB each, and 2021 MiB for
    7680x4320, 47.5 MiB each. ``superfast`` takes less.

    Parameters
    ----------
    width, height, pixel_format
        Of the stored picture, pixels, and FFmpeg's name of the format.
    detect
        Names the detectors, and how large a picture they see.
    """
    planes = VideoFormat(pixel_format, width, height).components
    picture = sum(plane.width * plane.height * -(-plane.bits // 8) for plane in planes)
    seen = 0
    for name in detect.detectors:
        options = detectors.options(name, detect.options.get(name, {}))
        if isinstance(options, NetworkOptions):
            across, down = options.input_size(width, height)
            seen += across * down
    return BASE_MIB + PICTURES * picture / 2**20 + NETWORK_MIB * seen / 1e6


class Memory:
    """What the threads of one process have reserved. Who needs much waits until others are done."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._reserved = 0.0

    @contextmanager
    def reserved(
        self, info: StreamInfo, detect: DetectSettings, limit: int | None
    ) -> Iterator[None]:
        """Run the block when there is room for a video beside those that others work at.

        Parameters
        ----------
        info, detect
            Of the video: what it is, and who looks at it.
        limit
            Of the process, bytes; none: there always is room.

        Raises
        ------
        TooLarge
            It would not fit if it were alone.
        """
        if limit is None:
            yield
            return
        needed = needed_mib(info.width, info.height, info.pixel_format, detect)
        usable = limit * USABLE / 2**20
        if needed > usable:
            raise TooLarge(
                f"{info.width}x{info.height} in {info.pixel_format} needs about "
                f"{needed:.0f} MiB a thread, and a worker may use {usable:.0f} MiB; "
                "give workers more memory"
            )
        # One waits at a time, so that small ones cannot go on passing by a large one.
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._reserved + needed <= usable)
            self._reserved += needed
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= needed
                self._changed.notify_all()
