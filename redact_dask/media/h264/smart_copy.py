"""Smart copy: keeping GOPs of H.264 without a region unchanged, beside encoded ones.

A GOP goes from one IDR picture to the next, so it can be decoded alone. Copied GOPs keep their
slices, x264 makes the encoded ones, and one ``avcC`` record holds the parameter sets of both under
different ids: the output is an ordinary track with one sample description. If any condition fails,
the whole video is encoded instead, and the reason is recorded.

A GOP with a packet to discard (the pre-roll of an edit list) must always be encoded from the
frames that are shown, since its packets hold pictures that the video's owner cut away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from av.packet import Packet
from av.video.stream import VideoStream

from redact_dask.media import cleaning, nal, survey
from redact_dask.media.h264 import bitstream, parameter_sets
from redact_dask.media.h264.slices import PictureCounter
from redact_dask.media.survey import Content
from redact_dask.records import StreamInfo

_REFERENCES = {
    "ultrafast": 1, "superfast": 1, "veryfast": 1, "faster": 2, "fast": 2, "medium": 3,
    "slow": 5, "slower": 8,
}  # fmt: skip
"""Most frames that x264 predicts a picture from, by preset (``x264 --fullhelp``)."""


@dataclass(frozen=True, slots=True)
class SmartCopy:
    """What it takes to put copied and encoded GOPs of one source into one track."""

    extradata: bytes
    """Parameter sets of the source, as its container gives them."""
    counted: int
    """Reorder depth of the source, as `Survey` counted it, frames."""

    @classmethod
    def of(cls, info: StreamInfo) -> SmartCopy:
        """Create it from what a `Survey` found out about the source."""
        return cls(info.parameter_sets, info.reorder_depth)

    @property
    def reorder(self) -> int:
        """Reorder depth that the source declares, or else the counted one, frames."""
        declared = self.source.reorder
        return self.counted if declared is None else declared

    @property
    def source(self) -> parameter_sets.Sequence:
        """The source's sequence parameter set."""
        return parameter_sets.sequence(_sets(self.extradata)[0])

    @property
    def id(self) -> int | None:
        """Smallest id, 0 to 31, that no parameter set of the source has; x264's sets get it.

        None: no id is free, since x264 takes none above 31.
        """
        pictures = _sets(self.extradata)[1:]
        taken = {self.source.id, *(parameter_sets.picture_ids(unit)[0] for unit in pictures)}
        return next((number for number in range(32) if number not in taken), None)

    @property
    def depth(self) -> int:
        """Reorder depth that the encoder may use: 0 without B-frames, 1 with, 2 with a pyramid.

        x264 needs a buffer of 2 frames for B-frames, and of 4 frames for a pyramid of them.
        """
        source = self.source
        if source.profile == 66 or source.references < 2:
            return 0
        return min(self.reorder, 2 if source.references >= 4 else 1)

    def encoder_options(self, preset: str) -> dict[str, str]:
        """Return options for libx264 that keep it inside the source's profile, level and buffer.

        The caller adds options for rate control. The encoded packets hold lengths, not start codes.
        """
        source, depth = self.source, self.depth
        x264 = [f"annexb=0:sps-id={self.id}", *(["b-pyramid=none"] if depth < 2 else [])]
        # The size of the buffer decides which frame is dropped from it (8.2.5.3), so it must match.
        x264 += [f"dpb-size={source.references}"]
        # These make x264 name the profile, and number pictures for reordering; only the preset
        # ultrafast lacks them.
        x264 += {66: [], 77: ["cabac=1"], 100: ["8x8dct=1"]}[source.profile]
        options = {
            "preset": preset,
            "profile": parameter_sets.PROFILES[source.profile],
            "level": str(source.level),
            "refs": str(max(1, min(source.references, _REFERENCES[preset]))),
            "x264-params": ":".join(x264),
        }
        if not depth:
            options["bf"] = "0"
        elif preset == "ultrafast":
            options["bf"] = "3"
        if not source.references:
            options["g"] = "1"  # No picture may be predicted, so each is an IDR picture.
        return options

    def merged(self, encoder_extradata: bytes | None) -> bytes:
        """Return an ``avcC`` record with the parameter sets of the source and of the encoder.

        Parameters
        ----------
        encoder_extradata
            Extradata of libx264 after it was opened with `encoder_options`; None: every GOP is
            copied.

        Raises
        ------
        ValueError
            A decoder could not go from the source's pictures to the encoder's.
        """
        if encoder_extradata is None:
            return bitstream.avcc(_sets(self.extradata))
        unit, *pictures = _sets(encoder_extradata)
        source, encoder = self.source, parameter_sets.sequence(unit)
        same = ("profile", "level", "eight_bit_420", "progressive", "width", "height", "crop")
        if (
            any(getattr(encoder, name) != getattr(source, name) for name in (*same, "references"))
            or encoder.buffering > source.buffering
            or (encoder.reorder or 0) > self.reorder
            or any(
                parameter_sets.picture_ids(picture) != (self.id, encoder.id) for picture in pictures
            )
        ):
            raise ValueError("the encoder's parameter sets do not go with the source's")
        ours = parameter_sets.matched(encoder, source, self.reorder)
        return bitstream.avcc([*_sets(self.extradata), ours, *pictures])

    def copied(self, packet: Packet[VideoStream], *, user_data: bool) -> bytes:
        """Return what the output holds of a packet of the source; see `cleaned`."""
        return cleaned(packet, self.extradata, user_data=user_data)

    def encoded(self, packet: Packet[VideoStream], extradata: bytes, *, user_data: bool) -> bytes:
        """Return what the output holds of a packet of the encoder; see `cleaned`."""
        return cleaned(packet, extradata, user_data=user_data)


def cleaned(packet: Packet[VideoStream], extradata: bytes, *, user_data: bool) -> bytes:
    """Return what a copy may hold of a packet; see `cleaning.cleaned`."""
    count = _counter(extradata).count
    return cleaning.cleaned(packet, extradata, bitstream, count, user_data=user_data)


_counter = lru_cache(maxsize=16)(PictureCounter)
"""The counter for some extradata: reading parameter sets for each packet would be slow."""


class Survey(survey.Survey):
    """Finds out from the packets of an H.264 stream whether its GOPs can be copied."""

    def __init__(self, stream: VideoStream) -> None:
        super().__init__(stream)
        self._why_not = _why_not(self._extradata)
        self._length_size = bitstream.length_size(self._extradata)
        self._known = frozenset(() if self._why_not else _sets(self._extradata))

    def content(self, packet: Packet[VideoStream]) -> Content:
        """Read what a packet holds."""
        units = nal.units(bytes(packet), self._length_size)
        kinds = {bitstream.kind(unit) for unit in units}
        sets = {unit for unit in units if bitstream.kind(unit) in bitstream.SETS}
        pictures = _counter(self._extradata).count(units)
        return Content(pictures, bitstream.IDR_SLICE in kinds, frozenset(sets))

    def misfit(self) -> str:
        """Return why the encoder's parameter sets cannot be put beside the source's, if so."""
        splice = SmartCopy(self._extradata, self._reorder)
        if splice.id is None:
            return "its parameter sets leave no id free"
        declared = splice.source.reorder
        if declared is not None and declared < self._reorder:
            return "its frames are reordered more than its parameter set tells"
        return ""


def _sets(extradata: bytes) -> list[bytes]:
    return cleaning.parameter_sets(extradata, bitstream)


def _why_not(extradata: bytes) -> str | None:
    """Return why a stream's parameter sets rule out copying, if they do."""
    try:
        sets = _sets(extradata)
        if [bitstream.kind(unit) for unit in sets[:2]] != list(bitstream.SETS):
            return "it has not exactly one sequence parameter set"
        source = parameter_sets.sequence(sets[0])
        owners = {parameter_sets.picture_ids(unit)[1] for unit in sets[1:]}
    except ValueError as error:
        return str(error)
    if source.profile not in parameter_sets.PROFILES or not source.eight_bit_420:
        return "its profile is not baseline, main or high with 8-bit 4:2:0 pictures"
    if not source.progressive:
        return "it may be interlaced"
    left, right, top, bottom = source.crop
    if left or top or right >= 16 or bottom >= 16:
        return "its pictures are cropped in a way that the encoder cannot repeat"
    if owners != {source.id}:
        return "a picture parameter set belongs to no sequence parameter set"
    return None
