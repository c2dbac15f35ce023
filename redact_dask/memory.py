"""The memory of a worker process: what a video takes is reserved, so that none takes too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from av.video.format import VideoFormat

from redact_dask.errors import TooLarge
from redact_dask.model import Facts

BASE_MIB = 330
"""What a task takes whatever the size of its pictures: Dask, libraries, a network, MiB."""
PICTURES = 40
"""Pictures that a decoder and an encoder hold between them."""
USABLE = 0.95
"""Share of its memory limit beyond which Dask ends a worker, unless it is told otherwise
(``distributed.worker.memory.terminate``)."""


def needed_mib(facts: Facts) -> float:
    """Return the memory that a thread takes at most to look at a video, or to encode it, MiB.

    That is ``BASE_MIB + PICTURES * picture``, where a picture has the bytes of its planes. Source:
    the highest resident memory of a worker with one thread (``benchmarks/memory.py``) with x264's
    ``veryfast``, which was 435 MiB for pictures of 1920x1080, 8 bit 4:2:0, 3.0 MiB each, 791 MiB
    for 3840x2160, 11.9 MiB each, and 2021 MiB for 7680x4320, 47.5 MiB each. ``superfast`` takes
    less.
    """
    planes = VideoFormat(facts.pixel_format, facts.width, facts.height).components
    picture = sum(plane.width * plane.height * -(-plane.bits // 8) for plane in planes)
    return BASE_MIB + PICTURES * picture / 2**20


class Memory:
    """What the threads of one process have reserved. Who needs much waits until others are done."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._reserved = 0.0

    @contextmanager
    def reserved(self, facts: Facts, limit: int | None) -> Iterator[None]:
        """Run the block when there is room for a video beside those that others work at.

        Parameters
        ----------
        facts
            Of the video.
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
        needed, usable = needed_mib(facts), limit * USABLE / 2**20
        if needed > usable:
            raise TooLarge(
                f"{facts.width}x{facts.height} in {facts.pixel_format} needs about "
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
