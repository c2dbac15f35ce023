"""Reading and rewriting H.264 parameter sets: profile, size, references and buffer.

Names and clause numbers are those of ITU-T H.264 (08/2021).
"""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask.media import nal
from redact_dask.media.h264 import bitstream
from redact_dask.media.nal import Bits, ue, unit_of

PROFILES = {66: "baseline", 77: "main", 100: "high"}
"""x264's name of each profile with 8-bit 4:2:0 pictures (A.2), by ``profile_idc``."""

_BUFFER_MACROBLOCKS = {
    9: 396, 10: 396, 11: 900, 12: 2376, 13: 2376, 20: 2376, 21: 4752, 22: 8100, 30: 8100,
    31: 18000, 32: 20480, 40: 32768, 41: 32768, 42: 34816, 50: 110400, 51: 184320, 52: 184320,
    60: 696320, 61: 696320, 62: 696320,
}  # fmt: skip
"""Most macroblocks in the decoded picture buffer (``MaxDpbMbs``) by ``level_idc`` (Table A-1)."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence parameter set (7.3.2.1.1)."""

    id: int
    profile: int
    """``profile_idc``."""
    level: int
    """``level_idc``; 9 for level 1b."""
    eight_bit_420: bool
    """Whether pictures are 4:2:0 with 8 bits a sample."""
    progressive: bool
    """Whether every picture is a whole frame."""
    width: int
    """Width of the decoded picture before cropping, pixels; a multiple of 16."""
    height: int
    """Height of the decoded picture before cropping, pixels."""
    crop: tuple[int, int, int, int]
    """Pixels cropped on the left, right, top and bottom."""
    references: int
    """Most frames that a picture may be predicted from."""
    reorder: int | None
    """Most frames that come before any one frame in decoding order, but are shown after it; None:
    the set does not tell."""
    buffering: int
    """Frames that a decoder must be able to hold."""
    frame_number_bits: int
    """Bits of ``frame_num`` in the header of a slice."""
    order_bits: int
    """Bits of ``pic_order_cnt_lsb`` there; 0: it is not there."""
    parts: tuple[str, str, str, str]
    """Four pieces of the set, as texts of 0s and 1s: the bits before and after the number of
    references, those of the VUI up to its timing, and those of the VUI's limits up to the reorder
    depth; the last is empty if there are no limits."""


def sequence(unit: bytes) -> Sequence:
    """Read a unit of kind `SPS`.

    Raises
    ------
    ValueError
        The unit ends early, or this module does not know its profile or level.
    """
    bits = Bits(unit, bitstream.HEADER)
    profile, constraints, level, number = bits.u(8), bits.u(8), bits.u(8), bits.ue()
    if profile not in (66, 77, 88, 100, 110, 122):
        raise ValueError(f"H.264 profile {profile} is not read")
    if profile != 100 and constraints & 0x10 and level == 11:
        level = 9
    if level not in _BUFFER_MACROBLOCKS:
        raise ValueError(f"H.264 level {level} is not read")
    eight_bit_420 = _samples(bits) if profile >= 100 else True
    frame_number_bits, order_bits = _picture_order(bits)
    before = bits.text[8 : bits.at]
    references, middle = bits.ue(), bits.at
    bits.u(1)
    width, height, progressive = 16 * (bits.ue() + 1), 16 * (bits.ue() + 1), bool(bits.u(1))
    if not progressive:
        height, _ = 2 * height, bits.u(1)
    bits.u(1)
    crop = (0, 0, 0, 0)
    if bits.u(1):
        crop = (2 * bits.ue(), 2 * bits.ue(), 2 * bits.ue(), 2 * bits.ue())
    after = bits.text[middle : bits.at]
    if profile >= 100 and constraints & 0x10:  # E.2.1: a profile without prediction
        inferred = _Buffer(0, 0)
    else:  # A.3.1 h
        macroblocks = width * height // 256
        inferred = _Buffer(None, min(_BUFFER_MACROBLOCKS[level] // macroblocks, 16))
    vui, limits, buffer = _vui(bits, inferred) if bits.u(1) else ("00000", "", inferred)
    return Sequence(
        id=number,
        profile=profile,
        level=level,
        eight_bit_420=eight_bit_420,
        progressive=progressive,
        width=width,
        height=height,
        crop=crop,
        references=references,
        reorder=buffer.reorder,
        buffering=buffer.frames,
        frame_number_bits=frame_number_bits,
        order_bits=order_bits,
        parts=(before, after, vui, limits),
    )


@dataclass(frozen=True, slots=True)
class _Buffer:
    """The decoded picture buffer that a set asks for; fields as in `Sequence`."""

    reorder: int | None
    frames: int


def _samples(bits: Bits) -> bool:
    """Read the sample format in a high profile; tell whether it is 4:2:0 with 8 bits."""
    eight_bit_420 = (bits.ue(), bits.ue(), bits.ue()) == (1, 0, 0)
    bits.u(1)
    for count in (16,) * 6 + (64,) * 2 if bits.u(1) else ():  # 7.3.2.1.1.1: scaling lists
        last = following = 8
        for _ in range(count if bits.u(1) else 0):
            following = (last + bits.se()) % 256 if following else 0
            last = following or last
    return eight_bit_420


def _picture_order(bits: Bits) -> tuple[int, int]:
    """Return how many bits frame numbers and picture order counts have (7.3.2.1.1)."""
    frame_number_bits = bits.ue() + 4
    order = bits.ue()
    if order == 0:
        return frame_number_bits, bits.ue() + 4
    if order == 1:
        bits.u(1), bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()
    return frame_number_bits, 0


def _vui(bits: Bits, inferred: _Buffer) -> tuple[str, str, _Buffer]:
    """Read the VUI (E.1.1); return its bits up to the timing, those of its limits, and the buffer.

    ``inferred`` is the buffer of a VUI without limits.
    """
    start = bits.at
    nal.pass_over_look(bits)
    if bits.u(1):
        bits.u(65)
    vui = bits.text[start : bits.at]
    limited = False
    for _ in ("nal", "vcl"):
        if bits.u(1):
            limited = True
            _skip_rate_limits(bits)
    bits.u(2 if limited else 1)
    if not bits.u(1):
        return vui, "", inferred
    start = bits.at
    bits.u(1), bits.ue(), bits.ue(), bits.ue(), bits.ue()
    limits = bits.text[start : bits.at]
    return vui, limits, _Buffer(bits.ue(), bits.ue())


def _skip_rate_limits(bits: Bits) -> None:
    """Skip the parameters of a hypothetical reference decoder (E.1.2)."""
    count = bits.ue() + 1
    bits.u(8)
    for _ in range(count):
        bits.ue(), bits.ue(), bits.u(1)
    bits.u(20)


def picture_ids(unit: bytes) -> tuple[int, int]:
    """Return the id of a unit of kind `PPS`, and that of its sequence parameter set."""
    bits = Bits(unit, bitstream.HEADER)
    return bits.ue(), bits.ue()


def matched(encoder: Sequence, source: Sequence, reorder: int) -> bytes:
    """Return an encoder's sequence parameter set with the buffering and the VUI of the source's.

    A decoder that goes from one set to the other then finds the same buffer, delay, colours,
    shape of pixels and clock. If the buffer differed, it could drop frames that it still has to
    show (C.4.4). A larger buffer than the encoder needs does no harm.

    Parameters
    ----------
    encoder
        Sequence parameter set that the encoder wrote.
    source
        Sequence parameter set of the source.
    reorder
        Reorder depth to declare, frames.

    Returns
    -------
    bytes
        A unit of kind `SPS`.
    """
    before, after, _, limits = encoder.parts
    text = before + ue(encoder.references) + after + "1" + source.parts[2] + "000"
    if limits:
        text += "1" + limits + ue(reorder) + ue(source.buffering)
    else:  # x264 without prediction declares no limits: its profile implies them.
        text += "0"
    return unit_of(bytes([0x60 | bitstream.SPS]), text)
