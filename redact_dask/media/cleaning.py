"""Taking out of packets of H.264 and HEVC what a copy must not hold."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.media import nal


class Syntax(Protocol):
    """How a codec tells its units apart; the modules `bitstream` of H.264 and HEVC do so."""

    @property
    def SLICES(self) -> Collection[int]:  # noqa: N802
        """Kinds of slices that a decoder knows."""
        ...

    @property
    def MESSAGES(self) -> Collection[int]:  # noqa: N802
        """Kinds of units that hold messages (SEI)."""
        ...

    @property
    def SETS(self) -> Collection[int]:  # noqa: N802
        """Kinds of parameter sets."""
        ...

    def kind(self, unit: bytes) -> int:
        """Return the kind of a unit."""
        ...

    def length_size(self, extradata: bytes) -> int:
        """Return how many bytes hold the length before each unit; 0: start codes separate them."""
        ...

    def without_free_data(self, unit: bytes) -> bytes:
        """Return a unit of messages with only those that tell how to time or show pictures."""
        ...

    def parameter_sets(self, extradata: bytes) -> list[bytes]:
        """Return the units in extradata."""
        ...


def cleaned(
    packet: Packet[VideoStream],
    extradata: bytes,
    syntax: Syntax,
    count: Callable[[list[bytes]], int],
    *,
    user_data: bool,
) -> bytes:
    """Return a packet's slices, and its messages that tell how to time or show pictures.

    Parameter sets, delimiters, fillers and unknown units are left out; so is user data, unless
    ``user_data`` is set. A packet without any of these, whose lengths have 4 bytes, is returned
    unchanged.

    Parameters
    ----------
    packet
        A packet of the source or of the encoder.
    extradata
        Parameter sets of the packet's stream, as its container gives them.
    syntax
        The codec's.
    count
        Tells how many pictures begin in some units.
    user_data
        Whether to keep all messages.

    Raises
    ------
    ValueError
        The packet must not be copied: an edit list hides it, it is marked as corrupt, it is not a
        sequence of whole units, or it holds another number of pictures than one.
    """
    if packet.is_discard or packet.is_corrupt:
        raise ValueError("a hidden or corrupt packet must not be copied")
    kept = []
    for unit in nal.units(bytes(packet), syntax.length_size(extradata)):
        if syntax.kind(unit) in syntax.SLICES:
            kept.append(unit)
        elif syntax.kind(unit) in syntax.MESSAGES:
            messages = unit if user_data else syntax.without_free_data(unit)
            kept += [messages] if messages else []
    if (pictures := count(kept)) != 1:
        raise ValueError(f"a packet holds {pictures} pictures")
    return nal.joined(kept)


def parameter_sets(extradata: bytes, syntax: Syntax) -> list[bytes]:
    """Return the parameter sets in extradata, each once, sorted by their kind."""
    units = dict.fromkeys(syntax.parameter_sets(extradata))
    return sorted((u for u in units if syntax.kind(u) in syntax.SETS), key=syntax.kind)
