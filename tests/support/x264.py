"""Parameter sets as x264 writes them."""

from __future__ import annotations

from fractions import Fraction

import av
from av.codec.context import Flags

from redact_dask.media.h264 import bitstream


def sets(x264: str = "", size: tuple[int, int] = (160, 96), **options: str) -> list[bytes]:
    """Parameter sets that x264 writes with some options: one of the sequence, one of pictures."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = size
    context.pix_fmt = options.pop("pix_fmt", "yuv420p")
    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    context.flags |= Flags.global_header
    context.options = {"x264-params": x264, **options}
    context.open()
    units = bitstream.parameter_sets(context.extradata or b"")
    return [unit for unit in units if bitstream.kind(unit) in bitstream.SETS]
