"""Parameter sets as x265 writes them."""

from __future__ import annotations

from fractions import Fraction

import av
from av.codec.context import Flags

from redact_dask.media.hevc import bitstream


def sets(x265: str = "", size: tuple[int, int] = (160, 96), **options: str) -> list[bytes]:
    """Parameter sets that x265 writes with some options: of the video, a sequence and pictures."""
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height = size
    context.pix_fmt = options.pop("pix_fmt", "yuv420p")
    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    context.flags |= Flags.global_header
    context.options = {"x265-params": f"log-level=none:{x265}", **options}
    context.open()
    units = bitstream.parameter_sets(context.extradata or b"")
    return [unit for unit in units if bitstream.kind(unit) in bitstream.SETS]


def record(sets: list[bytes]) -> bytes:
    """A record (``hvcC``) with some sets of 8 bit 4:2:0 pictures."""
    return bitstream.hvcc(sets, 1, (8, 8), 1)
