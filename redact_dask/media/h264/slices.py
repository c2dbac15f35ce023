"""Reading the headers of slices: how many pictures a packet really holds.

A decoder shows one picture of a packet, and is silent about others in it. They would be copied
along, and no detector has looked at them. Names and clause numbers are those of ITU-T H.264
(08/2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from redact_dask.media.h264 import bitstream, parameter_sets

_HEADER = 64
"""Bytes at the start of a slice that hold all fields that are read, escapes included."""


@dataclass(frozen=True, slots=True)
class _Slice:
    first: int
    """Number of its first macroblock (``first_mb_in_slice``)."""
    picture: tuple[int, ...]
    """Fields that are the same in all slices of a picture (7.4.1.2.4)."""


class PictureCounter:
    """Counts the pictures in the packets of a progressive stream without separate colour planes.

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
            if bitstream.kind(unit) not in (bitstream.SLICE, bitstream.IDR_SLICE):
                continue
            found = self._read(unit)
            if last is None and found.first:
                raise ValueError("a packet begins in the middle of a picture")
            if last is None or found.picture != last.picture or found.first <= last.first:
                pictures += 1
            last = found
        return pictures

    def _read(self, unit: bytes) -> _Slice:
        """Read the header of a slice up to its picture order count (7.3.3)."""
        bits = parameter_sets.Bits(unit[:_HEADER])
        first, _, of = bits.ue(), bits.ue(), bits.ue()
        if of not in self._sequences:
            raise ValueError("a slice names a parameter set that is not there")
        sequence = self._sequences[of]
        is_idr = bitstream.kind(unit) == bitstream.IDR_SLICE
        is_reference = bool(unit[0] & 0x60)
        number = bits.u(sequence.frame_number_bits)
        idr = bits.ue() if is_idr else 0
        order = bits.u(sequence.order_bits)
        return _Slice(first, (of, is_idr, is_reference, number, idr, order))
