"""Finding out from the packets of a video stream whether its GOPs can be copied."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from av.packet import Packet
from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Content:
    """What a packet holds."""

    pictures: int
    """Number of pictures that begin in it."""
    begins_anew: bool
    """Whether it holds an IDR picture: no picture after it needs one from before."""
    parameter_sets: frozenset[bytes]
    """Parameter sets in it."""


class Survey:
    """Finds out from the packets of a video stream whether its GOPs can be copied.

    Add every packet in file order, except for the empty one at the end; then read `why_not`. A
    subclass for each codec reads packets; this class takes none of a stream for copyable.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._extradata = stream.codec_context.extradata or b""
        self._why_not: str | None = f"it is {stream.codec_context.name}, not H.264 or HEVC"
        self._known: frozenset[bytes] = frozenset()
        self._begun = False
        self._gop: list[int] = []  # pts of the frames of the current GOP so far, ascending
        self._first = 0  # pts of its IDR picture
        self._reorder = 0

    def content(self, packet: Packet[VideoStream]) -> Content:
        """Read what a packet holds; raise `ValueError` if it must not be copied."""
        raise NotImplementedError

    def misfit(self) -> str:
        """Return why the encoder's parameter sets cannot be put beside the source's, if so."""
        raise NotImplementedError

    def add(self, packet: Packet[VideoStream]) -> None:
        """Examine the next packet."""
        self._why_not = self._why_not or self._packet(packet)

    @property
    def parameter_sets(self) -> bytes:
        """The decoder's extradata, as the container gives it."""
        return self._extradata

    @property
    def reorder_depth(self) -> int:
        """Most frames that come before any one frame in decoding order, but are shown after it."""
        return self._reorder

    @property
    def why_not(self) -> str:
        """Why the whole video must be encoded; empty: its GOPs can be copied."""
        if self._why_not or not self._begun:
            return self._why_not or "it has no packet"
        return self.misfit()

    def _packet(self, packet: Packet[VideoStream]) -> str | None:
        """Return why a packet rules out copying, if it does."""
        pts = packet.pts
        if pts is None:
            return "a packet has no timestamp"
        if packet.is_corrupt:
            return "a packet is marked as corrupt"
        try:
            content = self.content(packet)
        except ValueError as error:
            return str(error)
        if packet.has_sidedata("new_extradata") or not content.parameter_sets <= self._known:
            return "its parameter sets change"
        if content.pictures != 1:
            return f"a packet holds {'several pictures' if content.pictures else 'no picture'}"
        if not content.begins_anew and (packet.is_keyframe or not self._begun):
            return "a keyframe is not an IDR picture"
        return self._times(pts, begins_anew=content.begins_anew)

    def _times(self, pts: int, *, begins_anew: bool) -> str | None:
        """Return why the time of a frame rules out copying, if it does."""
        if begins_anew:
            if self._gop and pts <= self._gop[-1]:
                return "a frame is shown after the next IDR picture"
            self._gop.clear()
            self._first = pts
        elif pts < self._first:
            return "a frame is shown before the IDR picture that it needs"
        at = bisect_left(self._gop, pts)
        if at < len(self._gop) and self._gop[at] == pts:
            return "two frames have the same timestamp"
        self._reorder = max(self._reorder, len(self._gop) - at)
        self._gop.insert(at, pts)
        self._begun = True
        return None
