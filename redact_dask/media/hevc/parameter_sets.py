"""Reading and rewriting HEVC parameter sets: profile, size, references and buffer.

Names and clause numbers are those of ITU-T H.265 (08/2021).
"""

from __future__ import annotations

from dataclasses import dataclass

from redact_dask.media import nal
from redact_dask.media.hevc import bitstream
from redact_dask.media.nal import Bits, ue, unit_of


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence parameter set (7.3.2.2)."""

    id: int
    video: int
    """Id of the video parameter set that it belongs to."""
    sub_layers: int
    """Number of temporal sub-layers."""
    general: str
    """Profile, tier, level and constraints, as a text of 96 0s and 1s."""
    chroma: int
    """Number of the chroma format: 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4."""
    depths: tuple[int, int]
    """Bits of a sample of luma and of chroma."""
    progressive: bool
    """Whether every picture is a whole frame."""
    width: int
    """Width of the decoded picture before cropping, pixels."""
    height: int
    """Height of the decoded picture before cropping, pixels."""
    crop: tuple[int, int, int, int]
    """Pixels of chroma cropped on the left, right, top and bottom."""
    buffering: int
    """Frames that a decoder must be able to hold."""
    reorder: int
    """Most frames that come before any one frame in decoding order, but are shown after it."""
    address_bits: int
    """Bits of the place of a slice in the picture."""
    parts: tuple[str, str, str]
    """Three pieces of the set, as texts of 0s and 1s: the bits from the chroma format up to the
    sizes of the buffer, those from there up to the VUI, and the VUI without limits."""

    @property
    def profile(self) -> int:
        """Number of the profile (``general_profile_idc``)."""
        return int(self.general[3:8], 2)


def sequence(unit: bytes) -> Sequence:
    """Read a unit of kind `SPS`.

    Raises
    ------
    ValueError
        The unit ends early.
    """
    bits = Bits(unit, bitstream.HEADER)
    video, sub_layers = bits.u(4), bits.u(3) + 1
    bits.u(1)
    general = _profile(bits, sub_layers)
    number = bits.ue()
    start = bits.at
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    width, height = bits.ue(), bits.ue()
    crop = (bits.ue(), bits.ue(), bits.ue(), bits.ue()) if bits.u(1) else (0, 0, 0, 0)
    depths = (bits.ue() + 8, bits.ue() + 8)
    order_bits = bits.ue() + 4
    before = bits.text[start : bits.at]
    for _ in range(sub_layers if bits.u(1) else 1):
        buffering, reorder, _ = bits.ue() + 1, bits.ue(), bits.ue()
    start = bits.at
    smallest = bits.ue() + 3
    size = 1 << smallest + bits.ue()
    _tools(bits, order_bits)
    after = bits.text[start : bits.at]
    progressive, vui = _vui(bits) if bits.u(1) else (True, "0")
    blocks = -(-width // size) * -(-height // size)
    return Sequence(
        id=number,
        video=video,
        sub_layers=sub_layers,
        general=general,
        chroma=chroma,
        depths=depths,
        progressive=progressive,
        width=width,
        height=height,
        crop=crop,
        buffering=buffering,
        reorder=reorder,
        address_bits=max(0, blocks - 1).bit_length(),
        parts=(before, after, vui),
    )


def _profile(bits: Bits, sub_layers: int) -> str:
    """Read profile, tier and level (7.3.3); return those of the whole stream."""
    start = bits.at
    bits.u(96)
    general = bits.text[start : bits.at]
    told = [(bits.u(1), bits.u(1)) for _ in range(sub_layers - 1)]
    if told:
        bits.u(2 * (8 - len(told)))
    for profile, level in told:
        bits.u(88 * profile + 8 * level)
    return general


def _tools(bits: Bits, order_bits: int) -> None:
    """Skip the fields between the sizes of blocks and the VUI (7.3.2.2.1)."""
    bits.ue(), bits.ue(), bits.ue(), bits.ue()
    if bits.u(1) and bits.u(1):
        _skip_scaling_lists(bits)
    bits.u(2)
    if bits.u(1):
        bits.u(8), bits.ue(), bits.ue(), bits.u(1)
    previous: list[int] = []
    for number in range(bits.ue()):
        previous = _references(bits, previous, is_first=number == 0)
    if bits.u(1):
        bits.u(bits.ue() * (order_bits + 1))
    bits.u(2)


def _skip_scaling_lists(bits: Bits) -> None:
    """Skip scaling lists (7.3.4)."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.u(1):
                bits.ue()
                continue
            if size > 1:
                bits.se()
            for _ in range(min(64, 1 << 4 + 2 * size)):
                bits.se()


def _references(bits: Bits, previous: list[int], *, is_first: bool) -> list[int]:
    """Read which pictures one may be predicted from (7.3.7), as distances in display order.

    Those before the picture come first; of these, and of those after it, the nearest do.
    ``previous`` are those of the set before, which a set may be told from (7.4.8).
    """
    if not is_first and bits.u(1):
        sign, distance = bits.u(1), bits.ue() + 1
        step = -distance if sign else distance
        kept = [bits.u(1) or bits.u(1) for _ in range(len(previous) + 1)]
        moved = [old + step for old in previous] + [step]
        found = {new for new, keep in zip(moved, kept, strict=True) if keep and new}
    else:
        counts = bits.ue(), bits.ue()
        found = set()
        for count, direction in zip(counts, (-1, 1), strict=True):
            place = 0
            for _ in range(count):
                place += direction * (bits.ue() + 1)
                bits.u(1)
                found.add(place)
    return sorted(found, key=lambda place: (place > 0, abs(place)))


def _vui(bits: Bits) -> tuple[bool, str]:
    """Read the VUI (E.2.1); tell whether pictures are frames, and return its bits without limits.

    The bits tell neither of fields nor of rates, since those would need messages beside each
    picture.
    """
    start = bits.at
    nal.pass_over_look(bits)
    bits.u(1)
    looks = bits.text[start : bits.at]
    progressive = not bits.u(1)
    bits.u(1)
    start = bits.at
    if bits.u(1):
        bits.ue(), bits.ue(), bits.ue(), bits.ue()
    window = bits.text[start : bits.at]
    clock = "0"
    if bits.u(1):
        clock = f"1{bits.u(64):064b}00"  # Pictures are not ordered by time, rates are not told.
    return progressive, f"1{looks}00{window}{clock}0"


def picture_ids(unit: bytes) -> tuple[int, int]:
    """Return the id of a unit of kind `PPS`, and that of its sequence parameter set."""
    bits = Bits(unit, bitstream.HEADER)
    return bits.ue(), bits.ue()


def has_dependent_slices(unit: bytes) -> bool:
    """Tell whether a unit of kind `PPS` allows slices that go on with the header of another."""
    bits = Bits(unit, bitstream.HEADER)
    bits.ue(), bits.ue()
    return bool(bits.u(1))


def video_id(unit: bytes) -> int:
    """Return the id of a unit of kind `VPS`."""
    return Bits(unit, bitstream.HEADER).u(4)


def matched(encoder: Sequence, source: Sequence, video: int, number: int) -> tuple[bytes, bytes]:
    """Return an encoder's parameter sets of video and sequence, matched with the source's.

    A decoder that goes from one to the other then finds the same profile, level, delay, colours,
    shape of pixels and clock, and the same buffer, unless the encoder needs a larger one.

    Parameters
    ----------
    encoder
        Sequence parameter set that the encoder wrote.
    source
        Sequence parameter set of the source.
    video, number
        Ids to give to the set of the video and to that of the sequence.

    Returns
    -------
    tuple of bytes
        A unit of kind `VPS`, and one of kind `SPS`.
    """
    buffering = max(encoder.buffering, source.buffering)
    buffer = f"1{ue(buffering - 1)}{ue(source.reorder)}{ue(0)}"
    # 7.3.2.1: one layer, one sub-layer, no clock and no limits of rates.
    layers = f"11{0:06b}{0:03b}1{0xFFFF:b}"
    of_video = f"{video:04b}{layers}{source.general}{buffer}{0:06b}{ue(0)}00"
    before, after, _ = encoder.parts
    text = f"{video:04b}0001{source.general}{ue(number)}{before}{buffer}{after}{source.parts[2]}0"
    return (
        unit_of(bytes([bitstream.VPS << 1, 1]), of_video),
        unit_of(bytes([bitstream.SPS << 1, 1]), text),
    )


def renumbered(unit: bytes, number: int, owner: int) -> bytes:
    """Return a unit of kind `PPS` with other ids of its own and of its sequence parameter set."""
    bits = Bits(unit, bitstream.HEADER)
    bits.ue(), bits.ue()
    rest = bits.text[bits.at : bits.text.rindex("1")]  # The last 1 begins the trailing bits.
    return unit_of(unit[: bitstream.HEADER], ue(number) + ue(owner) + rest)
