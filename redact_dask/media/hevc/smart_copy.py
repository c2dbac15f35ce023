"""Smart copy: keeping GOPs of HEVC without a region unchanged, beside encoded ones.

It works as that of H.264 (`redact_dask.media.h264.smart_copy`), with one difference: x265 cannot be
told which ids its parameter sets get. So they get new ones here, and its slices are made to name
them. The sets of both makers lie in the ``hvcC`` record: the output is a track of kind ``hvc1``,
without sets between the pictures.

Only GOPs that begin with an IDR picture are copied. A CRA picture may have leading pictures that
need the GOP before it, and a decoder counts on from there in the order of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.media import cleaning, nal, survey
from redact_dask.media.hevc import bitstream, parameter_sets, slices, x265
from redact_dask.media.survey import Content
from redact_dask.records import StreamInfo

_PROFILES = (1, 2)
"""Numbers of the profiles Main and Main 10 (A.3)."""
_BLOCKS = (8, 16, 32)
"""Smallest coding blocks that x265 can be told: pictures are padded to a multiple of them."""


@dataclass(frozen=True, slots=True)
class SmartCopy:
    """What it takes to put copied and encoded GOPs of one source into one track."""

    extradata: bytes
    """Parameter sets of the source, as its container gives them."""

    @classmethod
    def of(cls, info: StreamInfo) -> SmartCopy:
        """Create it from what a `Survey` found out about the source."""
        return cls(info.parameter_sets)

    @property
    def source(self) -> parameter_sets.Sequence:
        """The source's sequence parameter set."""
        return _sequence(self.extradata)

    @property
    def ids(self) -> tuple[int, int, int] | None:
        """Ids of x265's sets of video, sequence and pictures, which no set of the source has.

        None: no ids are free.
        """
        pictures = [parameter_sets.picture_ids(unit)[0] for unit in _sets(self.extradata)[2:]]
        free = [number for number in slices.NUMBERS if number not in pictures]
        source = self.source
        return ((source.video + 1) % 16, (source.id + 1) % 16, free[0]) if free else None

    @property
    def block(self) -> int | None:
        """Smallest coding block with which x265 pads pictures as the source does; None: none."""
        source = self.source
        left, right, top, bottom = (2 * pixels for pixels in source.crop)
        shown = source.width - right, source.height - bottom
        for block in _BLOCKS if not left and not top else ():
            if tuple(-(-side // block) * block for side in shown) == (source.width, source.height):
                return block
        return None

    def encoder_options(self, preset: str) -> dict[str, str]:
        """Return options for libx265 that keep it inside the source's size and buffer.

        The caller adds options for rate control.
        """
        # A decoder holds the picture itself beside those that it is predicted from.
        references = max(1, min(self.source.buffering - 1, x265.REFERENCES[preset]))
        return {"x265-params": f"min-cu-size={self.block}:ref={references}"}

    def merged(self, encoder_extradata: bytes | None) -> bytes:
        """Return an ``hvcC`` record with the parameter sets of the source and of the encoder.

        Parameters
        ----------
        encoder_extradata
            Extradata of libx265 after it was opened with `encoder_options`; None: every GOP is
            copied.

        Raises
        ------
        ValueError
            A decoder could not go from the source's pictures to the encoder's.
        """
        sets, source = _sets(self.extradata), self.source
        if encoder_extradata is not None:
            _, _, *pictures = _sets(encoder_extradata)
            encoder = _sequence(encoder_extradata)
            same = ("chroma", "depths", "progressive", "width", "height", "crop")
            if (
                self.ids is None
                or any(getattr(encoder, name) != getattr(source, name) for name in same)
                or encoder.reorder > source.reorder
                # If the buffer changes, a decoder may drop frames that wait to be shown (C.5.2.2).
                or (encoder.buffering > source.buffering and source.reorder)
                or [parameter_sets.picture_ids(unit) for unit in pictures] != [(0, encoder.id)]
            ):
                raise ValueError("the encoder's parameter sets do not go with the source's")
            video, number, of_pictures = self.ids
            sets += parameter_sets.matched(encoder, source, video, number)
            sets.append(parameter_sets.renumbered(pictures[0], of_pictures, number))
        return bitstream.hvcc(sets, source.chroma, source.depths, source.sub_layers)

    def copied(self, packet: Packet[VideoStream], *, user_data: bool) -> bytes:
        """Return what the output holds of a packet of the source; see `cleaned`."""
        return cleaned(packet, self.extradata, user_data=user_data)

    def encoded(self, packet: Packet[VideoStream], extradata: bytes, *, user_data: bool) -> bytes:
        """Return what the output holds of a packet of the encoder; see `cleaned`."""
        *_, number = self.ids or (0,)
        content = cleaned(packet, extradata, user_data=user_data)
        return nal.joined(
            slices.renumbered(unit, number) if bitstream.kind(unit) in bitstream.SLICES else unit
            for unit in nal.units(content, bitstream.LENGTH_SIZE)
        )


def whole(extradata: bytes) -> bytes:
    """Return an ``hvcC`` record with the parameter sets of an encoder whose pictures are alone."""
    sequence = _sequence(extradata)
    sets = _sets(extradata)
    return bitstream.hvcc(sets, sequence.chroma, sequence.depths, sequence.sub_layers)


def cleaned(packet: Packet[VideoStream], extradata: bytes, *, user_data: bool) -> bytes:
    """Return what a copy may hold of a packet; see `cleaning.cleaned`."""
    count = _counter(extradata).count
    return cleaning.cleaned(packet, extradata, bitstream, count, user_data=user_data)


class Survey(survey.Survey):
    """Finds out from the packets of an HEVC stream whether its GOPs can be copied."""

    def __init__(self, stream: VideoStream) -> None:
        super().__init__(stream)
        self._why_not = _why_not(self._extradata)
        self._length_size = bitstream.length_size(self._extradata)
        self._known = frozenset(() if self._why_not else _sets(self._extradata))

    def content(self, packet: Packet[VideoStream]) -> Content:
        """Read what a packet holds."""
        units = nal.units(bytes(packet), self._length_size)
        pictures = _counter(self._extradata).count(units)
        sets = {unit for unit in units if bitstream.kind(unit) in bitstream.SETS}
        anew = [unit for unit in units if bitstream.kind(unit) in bitstream.IDR]
        if any(map(slices.discards, anew)):
            raise ValueError("an IDR picture discards frames before it that are not shown yet")
        return Content(pictures, bool(anew), frozenset(sets))

    def misfit(self) -> str:
        """Return why the encoder's parameter sets cannot be put beside the source's, if so."""
        splice = SmartCopy(self._extradata)
        if splice.ids is None:
            return "its parameter sets leave no id free"
        if splice.source.reorder < self._reorder:
            return "its frames are reordered more than its parameter set tells"
        return ""


_counter = lru_cache(maxsize=16)(slices.PictureCounter)
"""The counter for some extradata: reading parameter sets for each packet would be slow."""


@lru_cache(maxsize=16)
def _sequence(extradata: bytes) -> parameter_sets.Sequence:
    """Read the first sequence parameter set: in a joined track, it is the source's."""
    own = (unit for unit in _sets(extradata) if bitstream.kind(unit) == bitstream.SPS)
    return parameter_sets.sequence(next(own, b""))


def _sets(extradata: bytes) -> list[bytes]:
    return cleaning.parameter_sets(extradata, bitstream)


def _why_not(extradata: bytes) -> str | None:
    """Return why a stream's parameter sets rule out copying, if they do."""
    try:
        sets = _sets(extradata)
        kinds = [bitstream.kind(unit) for unit in sets]
        if kinds[:3] != list(bitstream.SETS) or any(kind != bitstream.PPS for kind in kinds[2:]):
            return "it has not exactly one parameter set of the video, and one of its sequence"
        source = parameter_sets.sequence(sets[1])
        owners = {parameter_sets.picture_ids(unit)[1] for unit in sets[2:]}
        video = parameter_sets.video_id(sets[0])
    except ValueError as error:
        return str(error)
    if any(map(bitstream.layer, sets)):
        return "a picture has several layers"
    if source.profile not in _PROFILES or source.chroma != 1:
        return "its profile is not Main or Main 10 with 4:2:0 pictures"
    if not source.progressive:
        return "it may be interlaced"
    if SmartCopy(extradata).block is None:
        return "its pictures are cropped in a way that the encoder cannot repeat"
    if source.video != video or owners != {source.id}:
        return "its parameter sets do not belong together"
    return None
