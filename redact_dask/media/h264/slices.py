"""Reading the headers of slices: how many pictures a packet really holds.

A decoder shows one picture of a packet, and is silent about others in it. They would be copied
along, and no detector has looked at them. Names and clause numbers are those of ITU-T H.264
(08/2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.media import nal
from redact_dask.media.h264 import bitstream, parameter_sets
from redact_dask.media.nal import Bits
from redact_dask.records import Fields

_HEADER = 64
"""Bytes at the start of a slice that hold all fields that are read, escapes included."""


@dataclass(frozen=True, slots=True)
class _Slice:
    first: int
    """Number of its first macroblock (``first_mb_in_slice``)."""
    picture: tuple[int, ...]
    """Fields that are the same in all slices of a picture (7.4.1.2.4)."""
    frame: int
    """Number of the frame that it belongs to (``frame_num``)."""
    field: Fields
    """Which field of the frame it codes; `Fields.PROGRESSIVE`: the whole frame."""


class PictureCounter:
    """Counts the pictures in the packets of a stream without separate colour planes.

    A field is a picture of its own.

    Parameters
    ----------
    extradata
        Parameter sets of the stream, as its container gives them.

    Raises
    ------
    ValueError
        The parameter sets cannot be read.
    """

    def __init__(self, extradata: bytes) -> None:
        units = bitstream.parameter_sets(extradata)
        found = [parameter_sets.sequence(u) for u in units if bitstream.kind(u) == bitstream.SPS]
        sequences = {sequence.id: sequence for sequence in found}
        pictures = [
            parameter_sets.picture_ids(u) for u in units if bitstream.kind(u) == bitstream.PPS
        ]
        self._sequences = {of: sequences[owner] for of, owner in pictures if owner in sequences}
        self.may_have_fields = not all(sequence.progressive for sequence in found)
        """Whether a picture may be a field."""

    def count(self, units: Iterable[bytes]) -> int:
        """Return how many pictures begin in a packet.

        A redundant slice, or one out of order, counts as another picture.

        Parameters
        ----------
        units
            The units of the packet.

        Raises
        ------
        ValueError
            A slice cannot be read, or the packet begins in the middle of a picture.
        """
        pictures = 0
        last: _Slice | None = None
        for unit in units:
            if bitstream.kind(unit) not in bitstream.SLICES:
                continue
            found = self.header(unit)
            if last is None and found.first:
                raise ValueError("a packet begins in the middle of a picture")
            if last is None or found.picture != last.picture or found.first <= last.first:
                pictures += 1
            last = found
        return pictures

    def header(self, unit: bytes) -> _Slice:
        """Read the header of a slice up to its picture order count (7.3.3)."""
        bits = Bits(unit[:_HEADER], bitstream.HEADER)
        first, _, of = bits.ue(), bits.ue(), bits.ue()
        if of not in self._sequences:
            raise ValueError("a slice names a parameter set that is not there")
        sequence = self._sequences[of]
        is_idr = bitstream.kind(unit) == bitstream.IDR_SLICE
        is_reference = bool(unit[0] & 0x60)
        number = bits.u(sequence.frame_number_bits)
        field = Fields.PROGRESSIVE
        if not sequence.progressive and bits.u(1):
            field = Fields.BOTTOM_FIRST if bits.u(1) else Fields.TOP_FIRST
        idr = bits.ue() if is_idr else 0
        order = bits.u(sequence.order_bits)
        picture = (of, is_idr, is_reference, number, [*Fields].index(field), idr, order)
        return _Slice(first, picture, number, field)


class FieldPairs:
    """Tells which packets hold only the second field of a frame that another packet begins.

    A decoder shows both fields as one frame, at the time of the first.

    Parameters
    ----------
    extradata
        Parameter sets of the stream, as its container gives them. If they cannot be read, no packet
        is taken for a second field.
    """

    def __init__(self, extradata: bytes) -> None:
        self._length_size = bitstream.length_size(extradata)
        self._counter: PictureCounter | None = None
        with suppress(ValueError):
            self._counter = PictureCounter(extradata)
        self._open: _Slice | None = None
        self.order = Fields.PROGRESSIVE
        """Which field of the stream comes first, as soon as a field was seen."""

    def is_second(self, packet: Packet[VideoStream]) -> bool:
        """Tell whether a packet only completes the frame of the packet before it."""
        if self._counter is None or not self._counter.may_have_fields:
            return False
        first, self._open = self._open, None
        try:
            slices = [
                self._counter.header(unit)
                for unit in nal.units(bytes(packet), self._length_size)
                if bitstream.kind(unit) in bitstream.SLICES
            ]
        except ValueError:
            return False
        fields = {found.field for found in slices}
        if len(fields) != 1 or fields == {Fields.PROGRESSIVE}:
            return False  # It holds a whole frame, or both of its fields.
        if first and first.field not in fields and first.frame == slices[0].frame:
            return True
        self._open = slices[0]
        if self.order is Fields.PROGRESSIVE:
            self.order = slices[0].field
        return False


def starts_cleanly(packet: Packet[VideoStream], extradata: bytes) -> bool:
    """Tell whether decoding that starts at a keyframe shows all pictures from it on.

    An encoder that refreshes pictures part by part marks packets from which they become whole only
    later (D.2.8).

    Parameters
    ----------
    packet
        A keyframe.
    extradata
        Parameter sets of its stream, as the container gives them.
    """
    with suppress(ValueError):
        units = nal.units(bytes(packet), bitstream.length_size(extradata))
        if any(bitstream.kind(unit) == bitstream.IDR_SLICE for unit in units):
            return True
        messages = [unit for unit in units if bitstream.kind(unit) == bitstream.SEI]
        return not any(bitstream.recovery(unit) for unit in messages)
    return True
