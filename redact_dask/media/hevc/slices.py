"""Reading and rewriting the first fields of slices: which picture they belong to.

A decoder shows one picture of a packet, and is silent about others in it. They would be copied
along, and no detector has looked at them. Names and clause numbers are those of ITU-T H.265
(08/2021).
"""

from __future__ import annotations

from collections.abc import Iterable

from redact_dask.media import nal
from redact_dask.media.hevc import bitstream, parameter_sets
from redact_dask.media.nal import Bits, ue

_HEADER = 64
"""Bytes at the start of a slice that hold all fields that are read, escapes included."""

NUMBERS = range(15, 31)
"""Ids of picture parameter sets whose code has 8 bits more than that of id 0."""


class PictureCounter:
    """Counts the pictures in the packets of a stream.

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
        self._places: dict[int, tuple[int, int]] = {}
        for unit in units:
            if bitstream.kind(unit) == bitstream.PPS:
                number, owner = parameter_sets.picture_ids(unit)
                if owner in sequences:
                    dependent = int(parameter_sets.has_dependent_slices(unit))
                    self._places[number] = dependent, sequences[owner].address_bits

    def count(self, units: Iterable[bytes]) -> int:
        """Return how many pictures begin in a packet.

        A slice that is out of order counts as another picture.

        Parameters
        ----------
        units
            The units of the packet.

        Raises
        ------
        ValueError
            A slice cannot be read, the packet begins in the middle of a picture, or it holds
            pictures that a decoder of one layer passes over.
        """
        pictures, last = 0, -1
        for unit in units:
            if bitstream.layer(unit):
                raise ValueError("a picture has several layers")
            if bitstream.kind(unit) >= bitstream.VPS:
                continue
            if bitstream.kind(unit) not in bitstream.SLICES:
                raise ValueError("a slice is of a kind that no decoder knows")
            place = self._place(unit)
            if place and not pictures:
                raise ValueError("a packet begins in the middle of a picture")
            pictures += not place or place <= last
            last = place
        return pictures

    def _place(self, unit: bytes) -> int:
        """Return the number of the block that a slice begins with (7.3.6.1)."""
        bits = Bits(unit[:_HEADER], bitstream.HEADER)
        is_first = bits.u(1)
        if bitstream.kind(unit) in bitstream.IRAP:
            bits.u(1)
        number = bits.ue()
        if number not in self._places:
            raise ValueError("a slice names a parameter set that is not there")
        if is_first:
            return 0
        dependent, address_bits = self._places[number]
        bits.u(dependent)
        place = bits.u(address_bits)
        if not place:
            raise ValueError("a slice is not the first, but lies there")
        return place


def discards(unit: bytes) -> bool:
    """Tell whether a slice of a kind in `IRAP` makes a decoder drop pictures not shown yet."""
    bits = Bits(unit[:_HEADER], bitstream.HEADER)
    bits.u(1)
    return bool(bits.u(1))


def renumbered(unit: bytes, number: int) -> bytes:
    """Return a slice of the picture parameter set 0 with another id of it.

    All that follows the id moves by a whole byte, so nothing else changes.

    Parameters
    ----------
    unit
        A slice.
    number
        One of `NUMBERS`.

    Raises
    ------
    ValueError
        The slice names another set than 0.
    """
    start = bitstream.HEADER
    flags = 2 if bitstream.kind(unit) in bitstream.IRAP else 1
    first = f"{unit[start]:08b}"
    if first[flags] != "1":  # The code of 0.
        raise ValueError("a slice of the encoder names another parameter set than 0")
    moved = int(first[:flags] + ue(number) + first[flags + 1 :], 2).to_bytes(2)
    return nal.escaped(unit[:start] + moved + nal.unescaped(unit)[start + 1 :])
